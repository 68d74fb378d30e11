// The spool case by case: order, restarts, budgets, broken files.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpoolError } from '../../../agent/telemetry/spool-file.ts';
import type { SpoolEntry } from '../../../agent/telemetry/spool-statements.ts';
import { windowSchema } from '../../../shared/measure/window.ts';
import { eventSchema } from '../../../shared/protocol/reports.ts';
import { buildBody, buildEvent, openTemporaryFolder, openTestSpool, type TemporaryFolder } from './spool-builder.ts';

let folder: TemporaryFolder;
let path: string;

beforeEach(() => {
  folder = openTemporaryFolder();
  path = folder.path('spool.db');
});
afterEach(() => folder.remove());

const parsed = (entry: SpoolEntry | undefined) => JSON.parse(entry?.text ?? 'null');
const frames = (entry: SpoolEntry) => parsed(entry).arms[0].frames;

describe('the spool', () => {
  it('hands out events before windows, each with its place in one sequence', () => {
    const spool = openTestSpool(path);
    spool.appendWindow(buildBody({ generation: 1 }));
    spool.appendWindow(buildBody({ generation: 2 }));
    expect(spool.appendEvent(buildEvent('late but first'))).toBe(1);
    const entries = spool.pending(10);
    expect(entries.map((entry) => [entry.class, entry.seq])).toEqual([
      ['event', 1],
      ['window', 2],
      ['window', 3],
    ]);
    expect(eventSchema.safeParse(parsed(entries[0])).success).toBe(true);
    expect(windowSchema.parse(parsed(entries[1]))).toMatchObject({ seq: 2, generation: 1 });
    spool.close();
  });

  it('sends a lost window again however many events stand before it', () => {
    const spool = openTestSpool(path);
    spool.appendWindow(buildBody());
    expect(spool.pending(1).map((entry) => entry.seq)).toEqual([1]);
    for (let i = 0; i < 30; i += 1) spool.appendEvent(buildEvent(`event ${i}`));
    const entries = spool.pending(20);
    expect(entries).toHaveLength(20);
    expect(entries.at(-1)).toMatchObject({ class: 'window', seq: 1 });
    spool.close();
  });

  it('removes only what is acknowledged, and only of that boot', () => {
    const spool = openTestSpool(path);
    for (const reason of ['a', 'b', 'c']) spool.appendEvent(buildEvent(reason));
    spool.acknowledge('boot-other', 3);
    spool.acknowledge('boot-0001', 2);
    expect(spool.pending(10).map((entry) => parsed(entry).reason)).toEqual(['c']);
    spool.close();
  });

  it('does not lose a window that was never sent to an acknowledgement beyond it', () => {
    const spool = openTestSpool(path);
    spool.appendWindow(buildBody());
    spool.acknowledge('boot-0001', 1_000_000);
    expect(spool.pending(10)).toHaveLength(1);
    spool.close();
  });

  it('keeps numbers and texts across a restart, and goes on with a sequence of its own', () => {
    const before = openTestSpool(path);
    before.appendEvent(buildEvent('before'));
    before.appendWindow(buildBody({ generation: 1 }));
    const [sent] = before.pending(1);
    before.close();
    const after = openTestSpool(path, { boot: 'boot-0002' });
    expect(after.appendEvent(buildEvent('after', { boot: 'boot-0002' }))).toBe(1);
    const entries = after.pending(10);
    expect(entries[0]).toEqual(sent);
    expect(entries.map((entry) => [entry.boot, entry.seq])).toEqual([
      ['boot-0001', 1],
      ['boot-0002', 1],
      ['boot-0001', 2],
    ]);
    after.close();
  });

  it('reports what it dropped in the next window, once', () => {
    const spool = openTestSpool(path, { spanMsMax: 120_000 });
    for (let i = 0; i < 5; i += 1) spool.appendWindow(buildBody({ generation: i }));
    // Of five windows of a minute each, two fit: each of them reports the one that made room for it, the last waits.
    expect(spool.pending(10).map((entry) => parsed(entry).spoolDropped)).toEqual([{ window: 1 }, { window: 1 }]);
    expect(spool.dropped()).toEqual({ window: 1 });
    spool.close();
  });

  it('does not open a file that another process holds, and does not set it aside', () => {
    const spool = openTestSpool(path);
    spool.appendEvent(buildEvent('kept'));
    expect(() => openTestSpool(path)).toThrow(SpoolError);
    expect(existsSync(`${path}.broken`)).toBe(false);
    expect(spool.pending(1)).toHaveLength(1);
    spool.close();
  });

  it('stays in memory while there is no file to write to, and moves to the disk when there is one', () => {
    let nowMs = 0;
    const late = folder.path('missing/spool.db');
    const spool = openTestSpool(late, { monotonicNow: () => nowMs });
    spool.appendWindow(buildBody({ generation: 1 }));
    expect(spool.appendEvent(buildEvent('in memory'))).toBe(1);
    expect(spool.pending(10).map((entry) => entry.seq)).toEqual([1, 2]);
    mkdirSync(folder.path('missing'));
    nowMs += 10_000;
    expect(spool.appendWindow(buildBody({ generation: 2 }))).toBe(true);
    expect(spool.appendEvent(buildEvent('on disk'))).toBe(3);
    spool.close();
    const after = openTestSpool(late, { boot: 'boot-0002' });
    expect(after.pending(10).map((entry) => [entry.class, entry.boot, entry.seq])).toEqual([
      ['event', 'boot-0001', 1],
      ['event', 'boot-0001', 3],
      ['window', 'boot-0001', 2],
      ['window', 'boot-0001', 4],
    ]);
    after.close();
  });

  it('keeps the place of its log over a stop, so that a full disk cannot take it', () => {
    const spool = openTestSpool(path);
    spool.appendEvent(buildEvent('kept'));
    spool.close();
    expect(statSync(`${path}-wal`)).toMatchObject({ size: 1024 * 1024, blocks: 2048 });
    const after = openTestSpool(path, { boot: 'boot-0002' });
    expect(after.pending(1).map((entry) => entry.seq)).toEqual([1]);
    after.close();
  });

  it('takes up the log of a stop that was cut off half way', () => {
    const spool = openTestSpool(path);
    spool.appendEvent(buildEvent('kept'));
    spool.close();
    renameSync(`${path}-wal`, `${path}-wal.kept`);
    const after = openTestSpool(path, { boot: 'boot-0002' });
    expect(after.pending(1).map((entry) => entry.seq)).toEqual([1]);
    expect(existsSync(`${path}-wal.kept`)).toBe(false);
    after.close();
  });
});

describe('a full spool', () => {
  const body = buildBody();
  const windowBytes = JSON.stringify(body).length + 300;

  it('merges the oldest windows pairwise before it drops any', () => {
    const spool = openTestSpool(path, { bytesMax: Math.round((windowBytes * 8) / 0.75) });
    for (let i = 0; i < 14; i += 1) spool.appendWindow(buildBody({ startAtMs: i * 60_000, endAtMs: (i + 1) * 60_000 }));
    const entries = spool.pending(100);
    expect(spool.dropped()).toEqual({});
    expect(entries.map(frames).reduce((a, b) => a + b)).toBe(14);
    expect(frames(entries[0] as SpoolEntry)).toBeGreaterThan(frames(entries.at(-1) as SpoolEntry));
    expect(parsed(entries[0])).toMatchObject({ startAtMs: 0 });
    for (const entry of entries) expect(windowSchema.safeParse(parsed(entry)).success).toBe(true);
    spool.close();
  });

  it('drops the oldest once nothing can be merged, counts every window in it, and keeps the newest', () => {
    const spool = openTestSpool(path, { bytesMax: windowBytes * 4 });
    for (let i = 0; i < 100; i += 1) spool.appendWindow(buildBody({ startAtMs: i * 1000, endAtMs: (i + 1) * 1000 }));
    const dropped = (spool.dropped().window ?? 0) + sumReported(spool.pending(100));
    expect(
      spool
        .pending(100)
        .map(frames)
        .reduce((a, b) => a + b) + dropped,
    ).toBe(100);
    expect(parsed(spool.pending(100).at(-1)).endAtMs).toBe(100_000);
    expect(spool.size().bytes).toBeLessThanOrEqual(windowBytes * 4);
    spool.close();
  });

  it('never merges across a change of cohort, generation, kill or releases', () => {
    const spool = openTestSpool(path, { bytesMax: windowBytes * 6 });
    for (let i = 0; i < 40; i += 1) spool.appendWindow(buildBody({ generation: i >> 1 }));
    for (const entry of spool.pending(100)) expect(frames(entry)).toBeLessThanOrEqual(2);
    spool.close();
  });

  it('does not change windows that are in flight', () => {
    const spool = openTestSpool(path, { bytesMax: windowBytes * 4 });
    spool.appendWindow(buildBody({ generation: 7 }));
    const [inFlight] = spool.pending(1);
    for (let i = 0; i < 50; i += 1) spool.appendWindow(buildBody());
    expect(spool.pending(1)).toEqual([inFlight]);
    spool.close();
  });

  it('gives up windows for events, and no event for anything', () => {
    const spool = openTestSpool(path, { bytesMax: 40_000 });
    for (let i = 0; i < 20; i += 1) spool.appendWindow(buildBody({ generation: i }));
    for (let i = 0; i < 80; i += 1) spool.appendEvent(buildEvent(`event ${i}`));
    expect(spool.size()).toMatchObject({ events: 80 });
    expect(spool.dropped().window).toBe(20 - spool.size().windows);
    expect(spool.size().windows).toBeLessThan(20);
    expect(spool.size().bytes).toBeLessThanOrEqual(40_000);
    spool.close();
  });

  it('counts an event up instead of storing it again when events alone fill it', () => {
    const spool = openTestSpool(path, { bytesMax: 10_000 });
    for (let i = 0; i < 500; i += 1) spool.appendEvent(buildEvent('camera gone', { kind: 'camera-lost' }));
    expect(spool.appendEvent(buildEvent('the one that matters', { kind: 'reverted' }))).toBeGreaterThan(1);
    const events = spool.pending(1000).map(parsed);
    const said = events.reduce((sum, event) => sum + 1 + (event.repeated ?? 0), 0);
    expect(said).toBe(501);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1).kind).toBe('reverted');
    expect(spool.size().bytes).toBeLessThan(11_000);
    spool.close();
  });

  it('tells of drops once and counts them up, for as long as nobody hears of it', () => {
    const spool = openTestSpool(path);
    for (let i = 0; i < 100; i += 1) spool.appendEvent(buildEvent(`dropped ${i}`, { kind: 'spool-dropped' }));
    expect(spool.pending(10).map(parsed)).toMatchObject([{ kind: 'spool-dropped', repeated: 99, seq: 1 }]);
    expect(spool.appendEvent(buildEvent('after it was sent', { kind: 'spool-dropped' }))).toBe(2);
    spool.close();
  });

  function sumReported(entries: readonly SpoolEntry[]): number {
    return entries.reduce((sum, entry) => sum + (parsed(entry).spoolDropped.window ?? 0), 0);
  }
});

describe('a broken spool file', () => {
  it('is set aside for whoever wants to look, and a fresh one is used', () => {
    writeFileSync(path, 'this is no database, but it is long enough to be taken for one '.repeat(50));
    const spool = openTestSpool(path);
    expect(spool.takeSetAside()).toMatch(/not a database/);
    expect(spool.takeSetAside()).toBeNull();
    expect(readFileSync(`${path}.broken`, 'utf8')).toContain('this is no database');
    expect(spool.appendEvent(buildEvent('alive'))).toBe(1);
    spool.close();
  });

  it('is found out when pages inside it are damaged', () => {
    const before = openTestSpool(path);
    for (let i = 0; i < 50; i += 1) before.appendWindow(buildBody({ generation: i }));
    before.close();
    overwrite(path, 4096 * 2, 4096 * 6);
    const after = openTestSpool(path, { boot: 'boot-0002' });
    expect(after.takeSetAside()).not.toBeNull();
    expect(after.size()).toMatchObject({ events: 0, windows: 0 });
    after.close();
  });

  it('that lost its tail in a power cut is opened or set aside, never an error', () => {
    const before = openTestSpool(path);
    for (let i = 0; i < 30; i += 1) before.appendWindow(buildBody({ generation: i }));
    before.close();
    const bytes = readFileSync(path);
    for (const length of [0, 1, 100, 4096, 5000, bytes.length - 1, bytes.length - 4096]) {
      writeFileSync(path, bytes.subarray(0, length));
      const after = openTestSpool(path, { boot: 'boot-0002' });
      expect(after.appendEvent(buildEvent('alive', { boot: 'boot-0002' }))).toBe(1);
      after.close();
    }
  });

  function overwrite(file: string, from: number, bytes: number): void {
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(bytes, 0xa5), 0, bytes, from);
    closeSync(descriptor);
  }
});
