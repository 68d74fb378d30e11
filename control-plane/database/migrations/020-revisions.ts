// Revisions of a running rollout: the words that it follows, one row for each text that was in force or asked for. And devices
// that joined a rollout after its start.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `alter table rollouts add column revision integer not null default 1`,
  `alter table rollout_decisions add column revision integer not null default 1`,
  `alter table rollout_assignments add column joined text`,
  `create table rollout_revisions (
    rollout_id text not null references rollouts (id), number integer not null, base integer, at_ms integer not null,
    actor text not null, reason text not null, file_text text not null, file_hash text not null, plan text not null,
    plan_hash text not null, changes text not null, state text not null, approvals text not null,
    settled_at_ms integer, primary key (rollout_id, number))`,
  // Only where it stands and who agreed may change afterwards; what was asked for never does.
  `create trigger rollout_revisions_no_rewrite before update of
    number, base, at_ms, actor, reason, file_text, file_hash, plan, plan_hash, changes on rollout_revisions
    begin select raise(abort, 'the words of a revision never change'); end`,
  `create trigger rollout_revisions_no_delete before delete on rollout_revisions
    begin select raise(abort, 'revisions are append-only'); end`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
