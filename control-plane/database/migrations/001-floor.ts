// The floor tables: releases, artifacts, devices, telemetry, desired state, kills, audit.
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table releases (
    digest text primary key, id text not null unique, name text not null, version text not null, data_tag text not null,
    state text not null, manifest text not null, registered_at_ms integer not null, registered_by text not null,
    unique (name, version))`,
  `create table release_files (
    release_digest text not null references releases (digest), path text not null, role text not null,
    sha256 text not null, bytes integer not null, primary key (release_digest, path))`,
  `create index release_files_by_sha256 on release_files (sha256)`,
  `create table release_notes (
    id integer primary key, release_digest text not null references releases (digest), at_ms integer not null,
    actor text not null, kind text not null, text text not null, rollout_id text)`,
  `create index release_notes_by_release on release_notes (release_digest, at_ms)`,
  `create table artifacts (sha256 text primary key, bytes integer not null, stored_at_ms integer not null)`,
  `create table devices (
    site text not null, device text not null, hardware_class text, line text, boot text, online integer not null,
    first_seen_at_ms integer not null, last_seen_at_ms integer not null, window_ms integer,
    hello text, reported text, status text, primary key (site, device))`,
  `create table windows (
    site text not null, device text not null, boot text not null, seq integer not null,
    start_at_ms integer not null, end_at_ms integer not null, received_at_ms integer not null, document text not null,
    unique (site, device, boot, seq))`,
  `create index windows_by_time on windows (site, device, start_at_ms)`,
  `create index windows_by_receipt on windows (received_at_ms)`,
  `create table events (
    id integer primary key, site text not null, device text not null, boot text not null, seq integer not null,
    kind text not null, at_ms integer not null, received_at_ms integer not null, digest text, rollout_id text,
    document text not null, unique (site, device, boot, seq))`,
  `create index events_by_device on events (site, device, id)`,
  `create table watermarks (
    site text not null, device text not null, boot text not null, seq integer not null, updated_at_ms integer not null,
    primary key (site, device, boot))`,
  `create table desired_state (
    site text not null, device text not null, generation integer not null, document text not null,
    issued_at_ms integer not null, published_generation integer not null default 0, primary key (site, device))`,
  `create index desired_unpublished on desired_state (site, device) where published_generation < generation`,
  `create table kills (
    id text primary key, scope text not null, topic text not null, reason text not null, actor text not null,
    epoch integer not null, raised_at_ms integer not null, recipients text not null,
    cleared_at_ms integer, cleared_by text, cleared_reason text, cleared_epoch integer)`,
  `create table kill_acks (
    kill_id text not null, site text not null, device text not null, acked_at_ms integer not null,
    round_trip_ms real, effect_ms real, was_serving integer, digest text, request_id text,
    primary key (kill_id, site, device))`,
  `create table audit (
    seq integer primary key, at_ms integer not null, actor text not null, action text not null, subject text not null,
    reason text not null, details text not null, previous_hash text not null, hash text not null unique)`,
  `create trigger audit_no_update before update on audit begin select raise(abort, 'the audit log is append-only'); end`,
  `create trigger audit_no_delete before delete on audit begin select raise(abort, 'the audit log is append-only'); end`,
  `create table counters (name text primary key, value integer not null)`,
];

export async function up(database: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(database);
}
