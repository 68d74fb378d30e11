// The tables of the spool and the database that holds them. It opens nothing.
import type Database from 'better-sqlite3';

export type SpoolDatabase = Database.Database;

// The indexes cover every question but the documents themselves, so that a full spool answers in a millisecond.
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    class TEXT NOT NULL,
    boot TEXT NOT NULL,
    seq INTEGER,
    sent INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    parts INTEGER NOT NULL DEFAULT 1,
    span_ms INTEGER NOT NULL DEFAULT 0,
    merge_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_class ON entries (class, id, bytes, span_ms);
  CREATE INDEX IF NOT EXISTS entries_unsent ON entries (class, sent, id, parts, merge_key);
  CREATE INDEX IF NOT EXISTS entries_by_seq ON entries (boot, seq);
  CREATE TABLE IF NOT EXISTS boots (boot TEXT PRIMARY KEY, seq_last INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS dropped (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS filler (bytes BLOB) STRICT;
`;
