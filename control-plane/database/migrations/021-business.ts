// Tables of what people bring in (business figures, by import), and of what is kept of a rollout that has ended.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table business_imports (
    id integer primary key autoincrement, at_ms integer not null, actor text not null, source text not null,
    records integer not null)`,
  `create table business_records (
    site text not null, unit text not null, from_ms integer not null, to_ms integer not null,
    device text, line text, frames integer, alerts integer, reviewed integer, false_alerts integer,
    defects_caught integer, parts integer, cost real, import_id integer not null references business_imports (id),
    primary key (site, unit, from_ms, to_ms))`,
  `create index business_records_by_time on business_records (site, to_ms)`,
  `create table rollout_archives (
    rollout_id text not null references rollouts (id), kind text not null, at_ms integer not null, document text not null,
    primary key (rollout_id, kind))`,
  `create table release_retained (
    digest text not null, rollout_id text not null references rollouts (id), until_ms integer not null,
    primary key (digest, rollout_id))`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
