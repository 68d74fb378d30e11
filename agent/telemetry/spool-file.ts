// The SQLite file behind the spool: opening it, setting a broken one aside, closing it. It decides nothing.
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import { SCHEMA, type SpoolDatabase } from './spool-schema.ts';
import { sweepRotten } from './spool-sweep.ts';

/** Codes: `spool-unavailable` the file can be neither opened nor replaced, `spool-in-use` another process has it open. */
export class SpoolError extends BelayError {}

export type OpenedFile = {
  readonly database: SpoolDatabase;
  /** Why the former file was set aside; null when it was not. */
  readonly setAside: string | null;
};

/** A predecessor that is still closing may hold the file for a moment. */
const BUSY_MS_MAX = 1000;

/** Opens the file, or begins a fresh one beside the broken one. Throws SpoolError when neither works. */
export function openSpoolFile(path: string): OpenedFile {
  try {
    return { database: openSound(path), setAside: null };
  } catch (error) {
    if (!isCorruption(error)) throw unavailable(path, error);
    try {
      setFileAside(path);
      return { database: openSound(path), setAside: describeError(error) };
    } catch (second) {
      throw unavailable(path, second);
    }
  }
}

/** The same spool in memory: for as long as the disk takes no file. */
export function openMemorySpool(): SpoolDatabase {
  const database = new Database(':memory:');
  database.exec(SCHEMA);
  return database;
}

/**
 * Closes the file and keeps its write-ahead log as an empty one of the same size. SQLite would remove it, and on a full
 * disk there would be no room for a new one: nothing could be written, not even an acknowledgement.
 */
export function closeSpoolFile(path: string, database: SpoolDatabase): void {
  const kept = keptLog(path);
  try {
    rmSync(kept, { force: true });
    linkSync(`${path}-wal`, kept);
  } catch {
    // No log, or a file system without links: the next opening makes a new one.
  }
  database.close();
  restoreLog(path);
}

// Also what an agent that was killed while closing has left.
function restoreLog(path: string): void {
  const kept = keptLog(path);
  try {
    if (existsSync(kept) && !existsSync(`${path}-wal`)) {
      const file = openSync(kept, 'r+');
      // Without its header a log is empty, and everything in it is in the database already.
      writeSync(file, Buffer.alloc(32), 0, 32, 0);
      fsyncSync(file);
      closeSync(file);
      renameSync(kept, `${path}-wal`);
    }
    rmSync(kept, { force: true });
  } catch {
    // A disk that is read-only has nothing to prepare for.
  }
}

function keptLog(path: string): string {
  return `${path}-wal.kept`;
}

/** True when the content of the file, not the disk or the caller, is at fault. */
export function isCorruption(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(codeOf(error));
}

/** True when the file is as large as it may be, or the disk has no room for more. */
export function isFull(error: unknown): boolean {
  return codeOf(error) === 'SQLITE_FULL';
}

function openSound(path: string): SpoolDatabase {
  restoreLog(path);
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
    emptyFiller(database);
    sweepRotten(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

// Left there when the power went while the file was growing.
function emptyFiller(database: SpoolDatabase): void {
  const count = database.prepare('SELECT count(*) FROM filler').pluck().get();
  if (count !== 0) database.exec('DELETE FROM filler');
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
  for (const suffix of ['-wal', '-wal.kept', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}

function unavailable(path: string, cause: unknown): SpoolError {
  if (/^SQLITE_(BUSY|LOCKED)/.test(codeOf(cause))) {
    const message = `could not open the spool ${path}: another agent uses it; give each agent a dataDir of its own`;
    return new SpoolError('spool-in-use', message, { cause });
  }
  const message = `could not open the spool ${path}; check that the folder is writable and that the disk has room`;
  return new SpoolError('spool-unavailable', message, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
