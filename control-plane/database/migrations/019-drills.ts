// Drills: rehearsals of a failed candidate, and what they measured.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table drills (
    id text primary key, failure text not null, mode text not null, state text not null, actor text not null,
    reason text not null, started_at_ms integer not null, ended_at_ms integer, scope text not null,
    candidate_digest text, result text)`,
  `create index drills_by_end on drills (state, ended_at_ms)`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
