// One control plane for each data folder: two would number desired documents and kills against each other.
// The claim is a lock of the operating system on a file of its own: it ends with the process, however that ends.
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { BelayError } from '../../shared/basics/errors.ts';

export type FolderClaim = { close(): void };

/** Throws BelayError `data-folder-in-use`. */
export function claimFolder(dataDir: string): FolderClaim {
  const file = new SqliteDatabase(join(dataDir, 'lock'), { timeout: 0 });
  try {
    file.pragma('journal_mode = MEMORY'); // nothing is ever written: no files beside it
    file.exec('begin exclusive');
    return file;
  } catch (error) {
    file.close();
    const text = `${dataDir} belongs to a control plane that is running; stop it, or give this one a folder of its own`;
    throw new BelayError('data-folder-in-use', text, { cause: error });
  }
}
