// The spool file with damaged pages, foreign tables, rotten rows or no content at all: it is mended or set aside, safety
// events get out, and one rotten row jams nothing.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Spool } from '../../../agent/telemetry/spool.ts';
import { SpoolError } from '../../../agent/telemetry/spool-file.ts';
import {
  buildBody,
  buildEvent,
  openTemporaryFolder,
  openTestSpool,
  type TemporaryFolder,
} from '../telemetry/spool-builder.ts';
import { damaged, NASTY } from './mutations.ts';

let folder: TemporaryFolder;
let path = '';
let sound: Buffer;
beforeAll(() => {
  folder = openTemporaryFolder();
  path = folder.path('spool.db');
  const spool = openTestSpool(path);
  for (let i = 0; i < 6; i += 1) spool.appendEvent(buildEvent(`breach ${i}`));
  for (let i = 0; i < 12; i += 1) spool.appendWindow(buildBody({ startAtMs: i * 1000, endAtMs: i * 1000 + 1000 }));
  spool.close();
  sound = readFileSync(path);
});
afterAll(() => folder.remove());

function put(bytes: Uint8Array): void {
  for (const suffix of ['', '-wal', '-wal.kept', '-shm', '.broken']) rmSync(`${path}${suffix}`, { force: true });
  writeFileSync(path, bytes);
}

/** A new event gets out: within a few looks it is among what is pending, or everything before it has been acknowledged. */
function checkEventGetsOut(spool: Spool): void {
  const seq = spool.appendEvent(buildEvent('after the damage'));
  spool.appendWindow(buildBody());
  for (let look = 0; look < 12; look += 1) {
    const entries = spool.pending(20);
    for (const { text } of entries) expect(() => JSON.parse(text)).not.toThrow();
    if (entries.some((entry) => entry.class === 'event' && entry.text.includes('after the damage'))) return;
    for (const entry of entries) spool.acknowledge(entry.boot, entry.seq);
  }
  expect.fail(`event ${seq} never got out`);
}

/** Everything that was acknowledged is gone after a while: nothing rotten stays at the head for ever. */
function checkEmpties(spool: Spool): void {
  for (let look = 0; look < 40; look += 1) {
    const entries = spool.pending(20);
    if (entries.length === 0) return;
    for (const entry of entries) spool.acknowledge(entry.boot, entry.seq);
  }
  expect(spool.size()).toMatchObject({ events: 0, windows: 0 });
}

describe('a spool file', () => {
  it('with damaged bytes is used, mended or set aside; a safety event gets out of it', () => {
    fc.assert(
      fc.property(damaged(sound), (bytes) => {
        put(bytes);
        const spool = openTestSpool(path, { boot: 'boot-0002' });
        checkEventGetsOut(spool);
        checkEmpties(spool);
        spool.close();
      }),
      { numRuns: 80 },
    );
  });

  it('of another kind is set aside', () => {
    const foreign = new Database(folder.path('foreign.db'));
    foreign.exec("CREATE TABLE entries (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO entries VALUES (1, x'00ff')");
    foreign.close();
    const others = [Buffer.alloc(0), Buffer.alloc(4096), Buffer.from('text'), readFileSync(folder.path('foreign.db'))];
    for (const bytes of others) {
      put(bytes);
      const spool = openTestSpool(path, { boot: 'boot-0002' });
      checkEventGetsOut(spool);
      spool.close();
    }
  });

  it('that is a folder is a SpoolError, or nothing that stops the agent', () => {
    try {
      openTestSpool(folder.path('.')).close();
    } catch (error) {
      expect(error).toBeInstanceOf(SpoolError);
    }
  });
});

describe('rows that are rotten', () => {
  const rotten = fc.record({
    body: fc.constantFrom(
      '',
      'null',
      '{',
      '[]',
      '"x"',
      '{"spoolDropped":null}',
      '{"arms":7}',
      '\u0000',
      'x'.repeat(5000),
    ),
    cls: fc.constantFrom('event', 'window', 'sample', ''),
    seq: fc.constantFrom(null, 0, 3, -5, 2 ** 40),
    sent: fc.constantFrom(0, 1, 7),
    bytes: fc.constantFrom(0, -1, 300, 2 ** 45),
    span: fc.constantFrom(0, -1, 2 ** 45),
    parts: fc.constantFrom(0, 1, 2, -3),
  });

  it('are dropped and counted; what is whole still gets out', () => {
    fc.assert(
      fc.property(fc.array(rotten, { minLength: 1, maxLength: 25 }), fc.boolean(), (rows, first) => {
        put(sound);
        const database = new Database(path);
        if (first) database.exec('DELETE FROM entries');
        const insert = database.prepare(
          `INSERT INTO entries (class, boot, seq, sent, bytes, parts, span_ms, merge_key, kind, body)
           VALUES (:cls, 'boot-0000', :seq, :sent, :bytes, :parts, :span, 'k', 'breach', :body)`,
        );
        for (const row of rows) insert.run(row);
        database.close();
        const spool = openTestSpool(path, { boot: 'boot-0002', bytesMax: 1_000_000 });
        checkEventGetsOut(spool);
        checkEmpties(spool);
        expect(Object.values(spool.dropped()).every((count) => Number.isSafeInteger(count) && count >= 0)).toBe(true);
        spool.close();
      }),
      { numRuns: 120 },
    );
  });
});

describe('acknowledgements', () => {
  it('of any boot and number are taken without a word', () => {
    put(sound);
    const spool = openTestSpool(path, { boot: 'boot-0002' });
    for (const boot of NASTY.filter((value) => typeof value === 'string'))
      for (const seq of [0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) spool.acknowledge(boot, seq);
    checkEventGetsOut(spool);
    spool.close();
  });
});
