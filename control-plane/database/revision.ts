// Whether anything in the database has changed: a number that grows with every row that is written.
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** By this process, and by others that have opened the file. */
export async function readRevision(database: Database): Promise<string> {
  const read = sql<{ readonly own: number; readonly others: number }>`
    select total_changes() as own, data_version as others from pragma_data_version`;
  const [row] = (await read.execute(database)).rows;
  return `${row?.own} ${row?.others}`;
}

/** For the shelf of answers: what they are made of is rows, and who is there. */
export function answersFrom({ database, presence }: { database: Database; presence: { readonly revision: number } }) {
  const revision = async () => `${await readRevision(database)} ${presence.revision}`;
  return { revision, now: () => performance.now() };
}
