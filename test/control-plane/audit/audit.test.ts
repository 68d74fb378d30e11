// The audit log on a real SQLite file: chain, refusal of changes, and what verify says about tampering.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Audit, openAudit } from '../../../control-plane/audit/audit.ts';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';

let folder: string;
let database: Database;
let audit: Audit;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-audit-'));
  database = await openDatabase(join(folder, 'belay.db'));
  audit = openAudit({ database, wallNow: () => 1_700_000_000_000 });
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

async function appendThree(): Promise<void> {
  for (const subject of ['kill/a', 'kill/b', 'kill/c']) {
    await audit.append(database, {
      actor: 'operator',
      action: 'kill-raised',
      subject,
      reason: 'smoke',
      details: { n: 1 },
    });
  }
}

/** Changes the file behind the program's back, with the triggers removed, as someone with the file could. */
function tamper(statement: string): void {
  const file = new SqliteDatabase(join(folder, 'belay.db'));
  file.exec('drop trigger audit_no_update; drop trigger audit_no_delete;');
  file.exec(statement);
  file.close();
}

describe('audit', () => {
  it('chains rows and says intact', async () => {
    await appendThree();
    expect(await audit.verify()).toMatchObject({ kind: 'intact', rows: 3 });
    expect((await audit.list({ limit: 2 })).map((row) => row.subject)).toEqual(['kill/c', 'kill/b']);
    expect((await audit.list({ limit: 2, beforeSeq: 2 })).map((row) => row.subject)).toEqual(['kill/a']);
  });

  it('refuses to change or delete a row', async () => {
    await appendThree();
    await expect(sql`update audit set reason = 'other' where seq = 1`.execute(database)).rejects.toThrow(/append-only/);
    await expect(sql`delete from audit where seq = 3`.execute(database)).rejects.toThrow(/append-only/);
  });

  it('names the row that was changed behind its back', async () => {
    await appendThree();
    tamper(`update audit set reason = 'nicer' where seq = 2`);
    expect(await audit.verify()).toEqual({
      kind: 'broken',
      seq: 2,
      reason: 'row 2 was changed after it was written',
    });
  });

  it('names a row that is missing', async () => {
    await appendThree();
    tamper('delete from audit where seq = 2');
    expect(await audit.verify()).toEqual({ kind: 'broken', seq: 2, reason: 'row 2 is missing' });
  });

  it('leaves no record of an act whose transaction failed', async () => {
    await expect(
      database.transaction().execute(async (transaction) => {
        await audit.append(transaction, { actor: 'x', action: 'y', subject: 'z', reason: 'r' });
        throw new Error('the act failed');
      }),
    ).rejects.toThrow('the act failed');
    expect(await audit.verify()).toMatchObject({ kind: 'intact', rows: 0 });
  });
});
