// What a running rollout knows of its windows is what a control plane that has just started reads from the record: whatever comes
// late, out of order or twice, and however long it has been running.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Question } from '../../../control-plane/core/history.ts';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { WindowReader } from '../../../control-plane/rollouts/window-reader.ts';
import {
  armOf,
  CANDIDATE,
  guardrailOf,
  historyOf,
  STAGE_QUESTION,
  START_MS,
  WINDOW_MS,
  windowOf,
} from '../core/builders.ts';

const GUARDRAILS = [guardrailOf('p95(latency_ms) <= baseline * 1.1'), guardrailOf('rate(errors, frames) <= 1 %')];
const DEVICES = ['dev-a', 'dev-b'].map((device) => ({ ...historyOf(device) }));
const SCOPE = { beganAtMs: START_MS, sites: ['plant-a'] };

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-windows-'));
  database = await openDatabase(join(folder, 'belay.db'));
  await sql`pragma synchronous = off`.execute(database);
});
afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

type Arrival = { readonly device: string; readonly minute: number; readonly receivedAtMs: number };

async function store({ device, minute, receivedAtMs }: Arrival): Promise<void> {
  const isCandidate = device === 'dev-a' && minute >= 0;
  const arm = armOf({
    latencyMs: 10 + (Math.abs(minute) % 7),
    ...(isCandidate ? { role: 'candidate' as const, digest: CANDIDATE } : {}),
  });
  const window = windowOf({ device, seq: 1000 + minute, startAtMs: START_MS + minute * WINDOW_MS, arms: [arm] });
  await database
    .insertInto('windows')
    .values({
      site: 'plant-a',
      device,
      boot: window.boot,
      seq: window.seq,
      start_at_ms: window.startAtMs,
      end_at_ms: window.endAtMs,
      received_at_ms: receivedAtMs,
      document: JSON.stringify(window),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function questionAt(minute: number): Question {
  const fromMs = START_MS + (minute - 10) * WINDOW_MS;
  return { ...STAGE_QUESTION, keep: { fromMs, guardrails: GUARDRAILS } };
}

async function told(reader: WindowReader, question: Question) {
  await reader.refresh(database, question, DEVICES);
  return DEVICES.map((history) => {
    const { since, before, excluded } = reader.totals[history.device === 'dev-a' ? 'candidate' : 'control'](
      history,
      question,
    );
    return [since, before].map(({ totals, scatter }) => ({
      totals: { ...JSON.parse(JSON.stringify(totals)), p95: totals.quantile('latency', 0.95) },
      scatter: GUARDRAILS.map(({ expression }) => scatter.call(since, expression)),
      excluded,
    }));
  });
}

/** Windows of each device, each received some minutes after its end. */
const ARRIVALS = fc.array(
  fc.record({
    device: fc.constantFrom('dev-a', 'dev-b'),
    minute: fc.integer({ min: -8, max: 20 }),
    lateMinutes: fc.constantFrom(0, 0, 0, 1, 2, 12),
  }),
  { minLength: 10, maxLength: 60 },
);

describe('the reader of windows', () => {
  it('knows after any sequence of arrivals what a new one reads from the record', async () => {
    await fc.assert(
      fc.asyncProperty(ARRIVALS, async (windows) => {
        await database.deleteFrom('windows').execute();
        const reader = new WindowReader(SCOPE);
        for (let minute = 0; minute <= 24; minute += 3) {
          const isNow = ({ minute: at, lateMinutes }: { minute: number; lateMinutes: number }) =>
            Math.max(0, at + 1) + lateMinutes > minute - 3 && Math.max(0, at + 1) + lateMinutes <= minute;
          for (const { device, minute: at } of windows.filter(isNow))
            await store({ device, minute: at, receivedAtMs: START_MS + minute * WINDOW_MS });
          const question = questionAt(minute);
          expect(await told(reader, question)).toEqual(await told(new WindowReader(SCOPE), question));
        }
      }),
      { seed: 7, numRuns: 12 },
    );
  });

  it('takes a window that is read again only once', async () => {
    const reader = new WindowReader(SCOPE);
    for (let minute = 0; minute < 3; minute += 1)
      await store({ device: 'dev-a', minute, receivedAtMs: START_MS + minute * 1000 });
    for (let again = 0; again < 3; again += 1) {
      const [candidate] = await told(reader, questionAt(3));
      expect(candidate?.[0]?.totals).toMatchObject({ windows: 3, frames: 900 });
    }
  });

  it('reads a device that joins from its beginning', async () => {
    const reader = new WindowReader(SCOPE);
    for (let minute = 0; minute < 6; minute += 1)
      await store({ device: 'dev-b', minute, receivedAtMs: START_MS + minute });
    await reader.refresh(database, questionAt(6), DEVICES.slice(0, 1));
    const [, control] = await told(reader, questionAt(6));
    expect(control?.[0]?.totals).toMatchObject({ windows: 6 });
  });

  it('keeps a day of windows in the memory of an hour', async () => {
    // Half a window per question would be two copies of the day: what stays is what the question asks to keep.
    const reader = new WindowReader(SCOPE);
    const kept = async (minutes: number, from: number) => {
      for (let minute = from; minute < minutes; minute += 1)
        await store({ device: 'dev-a', minute, receivedAtMs: START_MS + minute * WINDOW_MS });
      await told(reader, questionAt(minutes));
      const history = DEVICES[0];
      if (!history) throw new Error('no device');
      const { since } = reader.totals.candidate(history, questionAt(minutes));
      const all = since.between(0, START_MS + minutes * WINDOW_MS).windows;
      return { all, counted: since.windows };
    };
    expect(await kept(60, 0)).toEqual({ all: 10, counted: 60 });
    expect(await kept(480, 60)).toEqual({ all: 10, counted: 480 });
  });
});
