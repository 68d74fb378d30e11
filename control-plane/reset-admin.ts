// Sets a new password for the account `admin` in a data folder whose control plane does not run. For who sits at the machine.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openAudit } from './audit/audit.ts';
import { openDatabase } from './database/database.ts';
import { claimFolder } from './database/folder-claim.ts';
import { resetAdmin } from './identity/first-admin.ts';
import { openIdentity } from './identity/identity.ts';

/** Returns the password: it is kept nowhere. Throws BelayError when the folder is in use, or cannot be read. */
export async function resetAdminIn(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await using undo = new AsyncDisposableStack();
  undo.adopt(claimFolder(dataDir), (claim) => claim.close());
  const database = undo.adopt(await openDatabase(join(dataDir, 'belay.db')), (opened) => opened.destroy());
  const wallNow = () => Date.now();
  const log = { warn: (_: object, message: string) => void process.stderr.write(`${message}\n`) };
  return resetAdmin(await openIdentity({ database, audit: openAudit({ database, wallNow }), wallNow, log }));
}
