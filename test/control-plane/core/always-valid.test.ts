// The numbers of the boundary against published vectors, and its promises as properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alwaysValidReach,
  fixedReach,
  incidentE,
  silentChance,
  windowAlpha,
  zMix,
} from '../../../control-plane/core/always-valid.ts';
import { normalTail, tQuantileOfTail } from '../../../control-plane/core/student-t.ts';

describe('the always-valid boundary', () => {
  it.each([
    [0.05, 2.87],
    [0.01, 3.4],
    [0.001, 4.04],
  ])('for alpha %d lies at %d standard errors when one is a fifth of what matters', (alpha, expected) => {
    expect(zMix(0.2, 1, alpha)).toBeCloseTo(expected, 2);
  });

  it('needs more for few devices, tends to the normal for many', () => {
    const reach = (df: number) => alwaysValidReach({ standardError: 0.2, df }, 1, 0.01) / 0.2;
    expect(reach(4)).toBeGreaterThan(reach(20));
    expect(reach(5000)).toBeCloseTo(zMix(0.2, 1, 0.01), 1);
  });

  it('is never narrower than one planned look, and grows when less error is allowed', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 1e-4, max: 0.05, noNaN: true }),
        (standardError, df, alpha) => {
          const reach = alwaysValidReach({ standardError, df }, 0.1, alpha);
          expect(reach).toBeGreaterThan(fixedReach({ standardError, df }, alpha));
          expect(alwaysValidReach({ standardError, df }, 0.1, alpha / 2)).toBeGreaterThanOrEqual(reach);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  it('decides nothing where the numbers end, instead of deciding wrongly', () => {
    expect(alwaysValidReach({ standardError: 1e9, df: 3 }, 0.1, 0.01)).toBe(Infinity);
    expect(alwaysValidReach({ standardError: 0, df: 3 }, 0.1, 0.01)).toBeLessThan(1e-4);
  });
});

describe('tails', () => {
  it.each([
    [9, 0.025, 2.2622],
    [3, 0.005, 5.8409],
  ])('of t with %d degrees of freedom beyond %d begin at %d', (df, tail, expected) => {
    expect(tQuantileOfTail(tail, df)).toBeCloseTo(expected, 4);
  });

  it('of the normal distribution agree with tables, also far out', () => {
    expect(normalTail(0)).toBe(0.5);
    expect(normalTail(1.96)).toBeCloseTo(0.0249979, 7);
    expect(normalTail(2)).toBeCloseTo(0.0227501, 7);
    expect(normalTail(6) / 9.8659e-10).toBeCloseTo(1, 4);
  });

  it.each([
    [0, 3],
    [0.5, 3],
    [0.1, 0],
  ])('refuse tail = %d, df = %d', (tail, df) => {
    expect(() => tQuantileOfTail(tail, df)).toThrow(RangeError);
  });
});

describe('windows', () => {
  it('share alpha without ever exceeding it, however long a stage is held', () => {
    for (const planned of [1, 4, 96]) {
      const spent = Array.from({ length: 5000 }, (_, i) => windowAlpha(i + 1, planned, 0.01)).reduce(
        (a, b) => a + b,
        0,
      );
      expect(spent).toBeLessThan(0.01);
      expect(spent).toBeGreaterThan(0.0099);
    }
  });
});

describe('incidents', () => {
  it('of candidates alone weigh as published', () => {
    expect(incidentE([true, true], 0.06)).toBeCloseTo(48.6, 1);
  });

  it('suffice in the numbers that are published for an error of 1 %', () => {
    const needed = (share: number) =>
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].find((won) => incidentE(Array<boolean>(won).fill(true), share) >= 100);
    expect([0.05, 0.25, 0.5].map(needed)).toEqual([3, 5, 8]);
  });

  it('have a mean of 1 when candidates have no more than their share, so that they seldom reach 1/alpha', () => {
    for (const share of [0.05, 0.3, 0.9])
      for (const n of [1, 4, 9]) {
        let mean = 0;
        for (let won = 0; won <= n; won += 1) {
          const outcome = Array.from({ length: n }, (_, i) => i < won);
          mean += choose(n, won) * share ** won * (1 - share) ** (n - won) * incidentE(outcome, share);
        }
        expect(mean).toBeCloseTo(1, 9);
      }
  });

  it('say nothing when every device is a candidate', () => {
    expect(incidentE([true, true, true], 1)).toBe(1);
  });
});

describe('who went silent', () => {
  it('has the chance of drawing the silent ones among all', () => {
    // 6 silent, all among the 50 candidates of 200: C(50,6)/C(200,6).
    const all = silentChance({ devices: 200, candidates: 50, silent: 6, candidatesSilent: 6 });
    expect(all).toBeCloseTo(15_890_700 / 82_408_626_300, 9);
    expect(silentChance({ devices: 200, candidates: 50, silent: 6, candidatesSilent: 0 })).toBeCloseTo(1, 9);
  });
});

function choose(n: number, k: number): number {
  return Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);
}
