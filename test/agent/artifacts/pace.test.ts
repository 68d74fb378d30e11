// The pace of downloads: a rate, a budget for the day that survives a restart, and a moment of its own for every device.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admissionDelayMs, openPace } from '../../../agent/artifacts/pace.ts';

const never = new AbortController().signal;
const DAY_MS = 24 * 3_600_000;
let folder = '';
let nowMs = 0;
let wallMs = 1_800_000_000_000;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-pace-'));
  nowMs = 0;
  wallMs = 1_800_000_000_000;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function paceOf(options: { bytesPerSecondMax?: number; bytesPerDayMax?: number }) {
  return openPace({
    options: { bytesPerSecondMax: null, bytesPerDayMax: null, ...options },
    path: join(folder, 'download-budget.json'),
    monotonicNow: () => nowMs,
    wallNow: () => wallMs,
    wait: async (ms) => {
      nowMs += ms;
    },
  });
}

describe('the rate', () => {
  it('is kept over any sequence of pieces, but for the burst', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1024, max: 10_000_000 }),
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 200 }),
        async (rate, pieces) => {
          nowMs = 0;
          const pace = paceOf({ bytesPerSecondMax: rate });
          for (const bytes of pieces) await pace.took(bytes, never);
          const total = pieces.reduce((sum, bytes) => sum + bytes, 0);
          expect(total).toBeLessThanOrEqual(rate * 0.25 + (nowMs * rate) / 1000 + 1);
        },
      ),
    );
  });

  it('waits for nothing when there is none', async () => {
    const pace = paceOf({});
    await pace.took(1e12, never);
    expect(nowMs).toBe(0);
    expect(pace.left()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the daily budget', () => {
  it('goes down with what came, is remembered over a restart, and begins anew after a day', async () => {
    await paceOf({ bytesPerDayMax: 10_000_000 }).took(6_000_000, never);
    const next = paceOf({ bytesPerDayMax: 10_000_000 });
    expect(next.left()).toBe(4_000_000);
    await next.took(5_000_000, never);
    expect(next.left()).toBe(0);
    expect(next.renewsAtMs()).toBe(1_800_000_000_000 + DAY_MS);
    wallMs += DAY_MS;
    expect(next.left()).toBe(10_000_000);
  });

  it.each([
    ['an hour back', -3_600_000],
    ['to 1970', -1_800_000_000_000],
    ['a year forward', 365 * DAY_MS],
  ])('is never locked for more than a day by a clock that jumps %s', async (_, jumpMs) => {
    const pace = paceOf({ bytesPerDayMax: 1_000_000 });
    await pace.took(1_000_000, never);
    wallMs += jumpMs;
    pace.left();
    wallMs += DAY_MS;
    expect(pace.left()).toBe(1_000_000);
  });

  it('takes a torn file for no file', () => {
    writeFileSync(join(folder, 'download-budget.json'), '{"sinceMs": 17');
    expect(paceOf({ bytesPerDayMax: 1_000_000 }).left()).toBe(1_000_000);
  });
});

describe('admission', () => {
  it('is the same for a device and a release at every start, within the spread', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 0, max: 3_600_000 }), (device, digest, spreadMs) => {
        const delayMs = admissionDelayMs(device, digest, spreadMs);
        expect(delayMs).toBe(admissionDelayMs(device, digest, spreadMs));
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.max(0, spreadMs - 1));
      }),
    );
  });

  it('spreads the devices of a site evenly', () => {
    const tenths = new Set(
      Array.from({ length: 200 }, (_, i) => Math.floor(admissionDelayMs(`plant-a/cam-${i}`, 'abc', 1000) / 100)),
    );
    expect(tenths.size).toBe(10);
  });
});
