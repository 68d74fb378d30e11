// The spool on a disk that refuses, and a file that breaks while it is in use.
import { closeSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Spool } from '../../../agent/telemetry/spool.ts';
import { openSpoolFile } from '../../../agent/telemetry/spool-file.ts';
import { buildBody, buildEvent, openTemporaryFolder, openTestSpool, type TemporaryFolder } from './spool-builder.ts';

let folder: TemporaryFolder;
let path: string;
let spool: Spool;

beforeEach(() => {
  folder = openTemporaryFolder();
  path = folder.path('spool.db');
  spool = openTestSpool(path);
});
afterEach(() => {
  vi.restoreAllMocks();
  spool.close();
  folder.remove();
});

/** From now on every transaction fails as on a full disk, until the spy is restored. */
function fillDisk() {
  return vi.spyOn(Database.prototype, 'transaction').mockImplementation(() => {
    throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
  });
}

const kinds = () => spool.pending(100).map((entry) => [entry.class, entry.seq]);

describe('a disk that refuses', () => {
  it('does not keep an event from being delivered, nor from being stored once there is room', () => {
    expect(spool.appendEvent(buildEvent('stored'))).toBe(1);
    const full = fillDisk();
    expect(spool.appendEvent(buildEvent('held in memory'))).toBe(2);
    expect(kinds()).toEqual([
      ['event', 2],
      ['event', 1],
    ]);
    full.mockRestore();
    expect(kinds()).toEqual([
      ['event', 1],
      ['event', 2],
    ]);
    spool.close();
    spool = openTestSpool(path, { boot: 'boot-0002' });
    expect(spool.size().events).toBe(2);
  });

  it('costs windows, which are counted and reported', () => {
    const full = fillDisk();
    expect(spool.appendWindow(buildBody())).toBe(false);
    expect(spool.appendWindow(buildBody())).toBe(false);
    full.mockRestore();
    expect(spool.appendWindow(buildBody())).toBe(true);
    expect(JSON.parse(spool.pending(1)[0]?.text ?? '').spoolDropped).toEqual({ window: 2 });
    expect(spool.dropped()).toEqual({});
  });

  it('leaves no hole in the sequence', () => {
    spool.appendWindow(buildBody());
    const full = fillDisk();
    expect(spool.pending(10)).toEqual([]);
    for (let i = 0; i < 300; i += 1) spool.appendEvent(buildEvent(`event ${i}`));
    full.mockRestore();
    const seqs = spool.pending(1000).map((entry) => entry.seq);
    expect([...seqs].sort((a, b) => a - b)).toEqual(seqs.map((_, index) => index + 1));
    expect(seqs).toHaveLength(257);
    expect(spool.dropped()).toEqual({ event: 44 });
  });
});

describe('the file of the spool', () => {
  it('is opened so that a commit is on the disk, by us alone, with a log that stays small', () => {
    const { database } = openSpoolFile(folder.path('other.db'));
    const settings = ['journal_mode', 'synchronous', 'locking_mode', 'wal_autocheckpoint', 'journal_size_limit'];
    const values = settings.map((name) => database.pragma(name, { simple: true }));
    expect(values).toEqual(['wal', 2, 'exclusive', 200, 1024 * 1024]);
    database.close();
  });
});

describe('a file that breaks while it is in use', () => {
  it('is replaced, and work goes on in a sequence of its own', () => {
    // More than SQLite keeps in memory, so that it has to read what was damaged.
    for (let i = 0; i < 2500; i += 1) spool.appendWindow(buildBody({ generation: i }));
    overwrite(path);
    spool.pending(3000);
    expect(spool.takeSetAside()).not.toBeNull();
    expect(spool.appendEvent(buildEvent('alive'))).toBe(1);
    const [event, ...rest] = spool.pending(10);
    expect(rest).toEqual([]);
    expect(event).toMatchObject({ class: 'event', boot: 'boot-0001-1', seq: 1 });
    expect(JSON.parse(event?.text ?? '')).toMatchObject({ boot: 'boot-0001-1', reason: 'alive' });
  });

  function overwrite(file: string): void {
    const descriptor = openSync(file, 'r+');
    for (let page = 1; page < 600; page += 1) writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
    closeSync(descriptor);
  }
});
