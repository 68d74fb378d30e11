// Tables of webhooks: who wants to be told what, the outbox of what they are told, and the log of every attempt. What is told is
// read from the audit and from the devices' events, from where they stand now.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table webhooks (
    id text primary key, url text not null, secret text not null, description text not null, events text not null,
    sites text not null, created_at_ms integer not null, created_by text not null, disabled_at_ms integer,
    disabled_because text, removed_at_ms integer)`,
  `create table webhook_deliveries (
    id integer primary key autoincrement, webhook_id text not null references webhooks (id), event_id text not null,
    type text not null, subject text not null, body text not null, created_at_ms integer not null, state text not null,
    attempts integer not null default 0, tries integer not null default 0, next_at_ms integer, settled_at_ms integer,
    unique (webhook_id, event_id))`,
  `create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at_ms) where state = 'waiting'`,
  `create index webhook_deliveries_settled on webhook_deliveries (settled_at_ms) where state <> 'waiting'`,
  `create table webhook_attempts (
    delivery_id integer not null references webhook_deliveries (id) on delete cascade, number integer not null,
    at_ms integer not null, took_ms real not null, status integer, error text, answer text not null,
    primary key (delivery_id, number))`,
  `create table webhook_positions (source text primary key, position integer not null)`,
  `insert into webhook_positions (source, position) select 'audit', coalesce(max(seq), 0) from audit`,
  `insert into webhook_positions (source, position) select 'events', coalesce(max(id), 0) from events`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
