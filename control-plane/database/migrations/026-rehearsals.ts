// Rehearsals: what they found outlives the process that carried them out.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table rehearsals (id text primary key, started_at_ms integer not null, document text not null)`,
  `create index rehearsals_by_start on rehearsals (started_at_ms)`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
