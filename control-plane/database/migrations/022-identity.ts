// Tables of who may ask: accounts, their sessions, their API tokens.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table accounts (
    name text primary key, grants text not null, may_kill integer not null, disabled integer not null,
    password text not null, created_at_ms integer not null, created_by text not null, last_sign_in_at_ms integer)`,
  `create table sessions (
    hash text primary key, account text not null references accounts (name), created_at_ms integer not null,
    seen_at_ms integer not null, ends_at_ms integer not null)`,
  `create table api_tokens (
    id text primary key, hash text not null unique, name text not null, owner text not null references accounts (name),
    grants text not null, may_kill integer not null, created_at_ms integer not null, expires_at_ms integer not null,
    last_used_at_ms integer)`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
