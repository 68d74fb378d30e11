// Tables of what is left after a rollout: how a rollback was verified, who comes back later, incidents and their notes.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table rollout_verifications (
    rollout_id text primary key references rollouts (id), at_ms integer not null, kind text not null,
    sentence text not null, expr text, checks text not null)`,
  `create table rollout_returns (
    rollout_id text not null references rollouts (id), site text not null, device text not null,
    listed_at_ms integer not null, back_at_ms integer, primary key (rollout_id, site, device))`,
  `create index rollout_returns_awaited on rollout_returns (rollout_id) where back_at_ms is null`,
  `create table incidents (
    id text primary key, rollout_id text not null references rollouts (id), kind text not null, title text not null,
    opened_at_ms integer not null, opened_seq integer not null, latest_seq integer not null,
    closed_at_ms integer, closed_because text, telemetry text, roll_forward text)`,
  `create index incidents_by_rollout on incidents (rollout_id, opened_at_ms)`,
  `create table incident_notes (
    incident_id text not null references incidents (id), seq integer not null, at_ms integer not null,
    actor text not null, text text not null, primary key (incident_id, seq))`,
  `create trigger incident_notes_no_update before update on incident_notes
    begin select raise(abort, 'notes of an incident are append-only'); end`,
  `create trigger incident_notes_no_delete before delete on incident_notes
    begin select raise(abort, 'notes of an incident are append-only'); end`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
