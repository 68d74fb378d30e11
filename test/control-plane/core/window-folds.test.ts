// Sums that go on from tick to tick say the same as sums over all windows, whatever arrives late or is taken out.
import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../control-plane/core/history.ts';
import { foldedHits, foldedList, foldedQuantile } from '../../../control-plane/core/window-folds.ts';
import { decodeSketch, mergeSketches, quantile } from '../../../shared/measure/latency-sketch.ts';
import { armOf, gaussian, START_MS, seeded, WINDOW_MS, windowOf } from './builders.ts';

const random = seeded(7);
const samples: readonly Sample[] = Array.from({ length: 40 }, (_, at) => {
  const arm = armOf({ latencyMs: 20 * Math.exp(0.2 * gaussian(random)), errors: { timeout: at % 3 } });
  return { window: windowOf({ seq: at + 1, startAtMs: START_MS + at * WINDOW_MS, arms: [arm] }), arm };
});

function wholeP95(all: readonly Sample[]): number | null {
  return quantile(
    mergeSketches(all.map(({ arm }) => decodeSketch(arm.latencyMs)).filter((each) => each !== null)),
    0.95,
  );
}

function errors(all: readonly Sample[]) {
  return foldedHits(all, 'errors', ({ arm }) => ({ hits: arm.errors.timeout ?? 0, total: arm.frames }));
}

function wholeErrors(all: readonly Sample[]) {
  const count = (of: (sample: Sample) => number) => all.reduce((total, sample) => total + of(sample), 0);
  return { hits: count(({ arm }) => arm.errors.timeout ?? 0), total: count(({ arm }) => arm.frames) };
}

describe('folds over windows', () => {
  it('say at every tick what all windows together say', () => {
    for (let length = 1; length <= samples.length; length += 1) {
      const soFar = samples.slice(0, length);
      expect(foldedQuantile(soFar, 'latency_ms', 0.95)).toBe(wholeP95(soFar));
      expect(errors(soFar)).toEqual(wholeErrors(soFar));
    }
  });

  it('begin again when a window came late or was taken out', () => {
    const late = samples.filter((_, at) => at !== 5);
    expect(errors(late.slice(0, 20))).toEqual(wholeErrors(late.slice(0, 20)));
    expect(foldedQuantile(samples.slice(0, 21), 'latency_ms', 0.95)).toBe(wholeP95(samples.slice(0, 21)));
    expect(foldedQuantile(late.slice(0, 22), 'latency_ms', 0.95)).toBe(wholeP95(late.slice(0, 22)));
    expect(errors(samples.slice(0, 23))).toEqual(wholeErrors(samples.slice(0, 23)));
  });

  it('keep a closed beginning beside the whole', () => {
    for (const length of [30, 15, 31, 15, 32])
      expect(foldedQuantile(samples.slice(0, length), 'run_ms', 0.95)).toBe(wholeP95(samples.slice(0, length)));
  });

  it('do not change a list that was handed out', () => {
    const list = foldedList(samples.slice(0, 3), 'frames', ({ arm }) => arm.frames);
    foldedList(samples.slice(0, 9), 'frames', ({ arm }) => arm.frames);
    expect(list).toEqual(samples.slice(0, 3).map(({ arm }) => arm.frames));
  });

  it('tell arms of one window apart', () => {
    const other = samples.map(({ window, arm }) => ({ window, arm: { ...arm, frames: arm.frames * 2 } }));
    errors(samples);
    expect(errors(other)).toEqual(wholeErrors(other));
  });
});
