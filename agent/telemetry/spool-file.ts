// The SQLite file behind the spool: opening it, setting a broken one aside, its statements. It decides nothing.
import { renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BelayError, describeError } from '../../shared/basics/errors.ts';

export type SpoolDatabase = Database.Database;

/** Codes: `spool-unavailable` the file can be neither opened nor replaced. */
export class SpoolError extends BelayError {}

export type OpenedFile = {
  readonly database: SpoolDatabase;
  /** Why the former file was set aside; null when it was not. */
  readonly setAside: string | null;
};

// The indexes cover every question but the documents themselves, so that a full spool answers in a millisecond.
const SCHEMA = `
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
`;

/** A predecessor that is still closing may hold the file for a moment. */
const BUSY_MS_MAX = 1000;

/** Opens the file, or begins a fresh one beside the broken one. Throws SpoolError when neither works. */
export function openSpoolFile(path: string): OpenedFile {
  try {
    return { database: openSound(path), setAside: null };
  } catch (error) {
    if (!isCorruption(error)) throw unavailable(path, error);
    setFileAside(path);
    try {
      return { database: openSound(path), setAside: describeError(error) };
    } catch (second) {
      throw unavailable(path, second);
    }
  }
}

/** True when the content of the file, not the disk or the caller, is at fault. */
export function isCorruption(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(code);
}

function openSound(path: string): SpoolDatabase {
  const database = new Database(path, { timeout: BUSY_MS_MAX });
  try {
    // EXCLUSIVE first: without shared memory a database can still be reopened when the disk is full.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('wal_autocheckpoint = 200');
    database.pragma('journal_size_limit = 1048576');
    // 2 MB: the supervisor shares a small machine with models, and the spool is read front to back.
    database.pragma('cache_size = -2000');
    checkSound(database);
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkSound(database: SpoolDatabase): void {
  const verdict = database.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw new Database.SqliteError(`quick_check says: ${verdict}`, 'SQLITE_CORRUPT');
  const columns = database.prepare('SELECT count(*) FROM pragma_table_info(?)').pluck().get('entries');
  if (columns !== 0 && columns !== 11) throw new Database.SqliteError('not a spool of this version', 'SQLITE_FORMAT');
}

// One broken file is kept for whoever wants to look at it; a second one replaces it, or they would fill the disk.
function setFileAside(path: string): void {
  renameSync(path, `${path}.broken`);
  for (const suffix of ['-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}

function unavailable(path: string, cause: unknown): SpoolError {
  const message = `could not open the spool ${path}; check that the folder is writable and that no other agent uses it`;
  return new SpoolError('spool-unavailable', message, { cause });
}
