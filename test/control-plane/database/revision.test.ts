// The revision of the database moves with every write, of this connection and of others, and stands still otherwise.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { readRevision } from '../../../control-plane/database/revision.ts';

const insert = (database: Database, device: string) =>
  database
    .insertInto('devices')
    .values({ site: 'plant-a', device, online: 0, first_seen_at_ms: 1, last_seen_at_ms: 2 })
    .execute();

it('moves with every row that is written, updated or deleted, here or by another process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'belay-revision-'));
  const file = join(folder, 'belay.db');
  const [database, other] = [await openDatabase(file), await openDatabase(file)];
  const seen = [await readRevision(database)];
  const look = async () => void seen.push(await readRevision(database));
  await insert(database, 'one');
  await look();
  await database.updateTable('devices').set({ online: 1 }).execute();
  await look();
  await insert(other, 'two');
  await look();
  await database.deleteFrom('devices').execute();
  await look();
  expect(new Set(seen).size).toBe(seen.length);
  await database.selectFrom('devices').selectAll().execute();
  expect(await readRevision(database)).toBe(seen.at(-1));
  await Promise.all([database.destroy(), other.destroy()]);
  await rm(folder, { recursive: true });
});
