// Totals that are carried on from tick to tick are those of adding everything up anew, whatever arrives late or is left out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureChange } from '../../../control-plane/core/device-metrics.ts';
import { rememberTotals, withinTick } from '../../../control-plane/core/device-totals.ts';
import type { Sample } from '../../../control-plane/core/history.ts';
import { armOf, guardrailOf, START_MS, WINDOW_MS, windowOf } from './builders.ts';

function sampleOf(minute: number, more: Parameters<typeof armOf>[0] = {}): Sample {
  const arm = armOf({ latencyMs: 10 + (minute % 7), errors: { fault: minute % 3 }, ...more });
  return { window: windowOf({ seq: minute + 1, startAtMs: START_MS + minute * WINDOW_MS, arms: [arm] }), arm };
}

const SAMPLES = Array.from({ length: 12 }, (_, minute) => sampleOf(minute));

/** What counts of a device. */
function plain(samples: readonly Sample[], memory = rememberTotals()) {
  const { quantile, latency, run, ...rest } = memory.of(samples);
  return { ...rest, bins: [...latency.row.counts], runs: run.count, p95: quantile('latency', 0.95) };
}

describe('totals', () => {
  it('are the same with and without a memory, for any sequence of lists', () => {
    fc.assert(
      fc.property(fc.array(fc.subarray(SAMPLES, { minLength: 1 }), { minLength: 1, maxLength: 8 }), (lists) => {
        const memory = rememberTotals();
        for (const samples of lists) {
          expect(plain(samples, memory)).toEqual(plain(samples));
          expect(plain(samples, withinTick(memory))).toEqual(plain(samples));
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('go on from what they know when a list grows', () => {
    const memory = rememberTotals();
    expect(memory.of(SAMPLES.slice(0, 5)).frames).toBe(1500);
    const first = memory.of(SAMPLES.slice(0, 5));
    expect(memory.of(SAMPLES.slice(0, 5))).toBe(first);
    expect(memory.of(SAMPLES).frames).toBe(3600);
    expect(memory.of(SAMPLES.slice(0, 5)).frames).toBe(1500);
  });

  it('of nothing are nothing', () => {
    expect(plain([])).toMatchObject({ frames: 0, p95: null });
  });
});

describe('a change of rates', () => {
  const expression = guardrailOf('rate(errors, frames) <= baseline * 1.5').expression;
  const of = (windows: number, errors: number) =>
    rememberTotals().of(
      Array.from({ length: windows }, (_, minute) => sampleOf(minute, { errors: errors > 0 ? { fault: errors } : {} })),
    );

  it('is none when there was never an error, however long the past is', () => {
    expect(measureChange(of(2, 0), of(60, 0), expression)).toBeCloseTo(0, 9);
  });

  it('is none when the rate is the same, over spans of any length', () => {
    expect(measureChange(of(2, 3), of(60, 3), expression)).toBeCloseTo(0, 9);
    expect(measureChange(of(40, 3), of(4, 3), expression)).toBeCloseTo(0, 9);
  });

  it('grows with the rate', () => {
    expect(measureChange(of(10, 9), of(10, 3), expression)).toBeCloseTo(Math.log(90.5 / 30.5), 9);
  });
});
