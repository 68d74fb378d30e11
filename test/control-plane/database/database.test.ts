// The database file: as durable as promised, brought up to date once, and refused in words when it cannot be read.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../control-plane/database/database.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-database-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('openDatabase', () => {
  it('opens with WAL, FULL and foreign keys', async () => {
    const database = await openDatabase(join(folder, 'belay.db'));
    const read = async (name: string) => {
      const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(database);
      return Object.values(rows[0] ?? {})[0];
    };
    expect([await read('journal_mode'), await read('synchronous'), await read('foreign_keys')]).toEqual(['wal', 2, 1]);
    await database.destroy();
  });

  it('keeps what it holds when it is opened again', async () => {
    const path = join(folder, 'belay.db');
    const first = await openDatabase(path);
    await first.insertInto('counters').values({ name: 'x', value: 7 }).execute();
    await first.destroy();
    const second = await openDatabase(path);
    expect(await second.selectFrom('counters').selectAll().execute()).toEqual([{ name: 'x', value: 7 }]);
    await second.destroy();
  });

  it('says what to do when the file is no database', async () => {
    await writeFile(join(folder, 'belay.db'), 'this is not a database, it is a text of some length');
    await expect(openDatabase(join(folder, 'belay.db'))).rejects.toThrow(/opening .*belay.db failed; check/);
    await expect(openDatabase(join(folder, 'no', 'such', 'folder.db'))).rejects.toThrow(/opening/);
  });
});
