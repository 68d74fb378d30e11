// Rehearsals as stored: the latest ones, each as it was told last.
import { type Rehearsal, rehearsalSchema } from '../../shared/protocol/api-foresight.ts';
import type { Queryable } from '../database/database.ts';

/** Older ones are forgotten. */
const KEPT = 20;

export async function saveRehearsal(database: Queryable, rehearsal: Rehearsal): Promise<void> {
  const document = JSON.stringify(rehearsal);
  await database
    .insertInto('rehearsals')
    .values({ id: rehearsal.id, started_at_ms: rehearsal.startedAtMs, document })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ document }))
    .execute();
  const latest = database.selectFrom('rehearsals').select('id').orderBy('started_at_ms', 'desc').limit(KEPT);
  await database.deleteFrom('rehearsals').where('id', 'not in', latest).execute();
}

/** Null: there is none of that id. */
export async function findRehearsal(database: Queryable, id: string): Promise<Rehearsal | null> {
  const row = await database.selectFrom('rehearsals').select('document').where('id', '=', id).executeTakeFirst();
  return row ? rehearsalSchema.parse(JSON.parse(row.document)) : null;
}
