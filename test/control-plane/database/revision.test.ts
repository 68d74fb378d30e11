// The revision of the database moves with every write, of this connection and of others, and stands still otherwise.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';

const insert = (database: Database, device: string) =>
  database
    .insertInto('devices')
    .values({ site: 'plant-a', device, online: 0, first_seen_at_ms: 1, last_seen_at_ms: 2 })
    .execute();

it('moves with every row that is written, updated or deleted, here or by another process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'belay-revision-'));
  const file = join(folder, 'belay.db');
  const [database, other] = [await openDatabase(file), await openDatabase(file)];
  const seen = [database.revision()];
  const look = () => void seen.push(database.revision());
  await insert(database, 'one');
  look();
  await database.updateTable('devices').set({ online: 1 }).execute();
  look();
  await insert(other, 'two');
  look();
  await database.deleteFrom('devices').execute();
  look();
  expect(new Set(seen).size).toBe(seen.length);
  await database.selectFrom('devices').selectAll().execute();
  expect(database.revision()).toBe(seen.at(-1));
  await Promise.all([database.destroy(), other.destroy()]);
  await rm(folder, { recursive: true });
});
