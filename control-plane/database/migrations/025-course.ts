// Table of how the verdicts of a rollout went: one row for each moment that is kept, thinned out by the room that writes it.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table rollout_course (
    rollout_id text not null references rollouts (id), at_ms integer not null, stage text not null,
    is_turn integer not null, points text not null, primary key (rollout_id, at_ms))`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
