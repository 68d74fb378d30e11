// Answers to requests that carried an Idempotency-Key, kept for a day so that a repeated request is not a second act.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table idempotency_keys (
    who text not null, key text not null, route text not null, request_hash text not null, begun_at_ms integer not null,
    status integer, headers text, body blob, primary key (who, key))`,
  `create index idempotency_keys_by_age on idempotency_keys (begun_at_ms)`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
