// Seeded draws: pinned for ever, within bounds, and with the moments they promise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, hash32 } from '../../../../agent/frames/line/random.ts';

const seeds = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('createRandom', () => {
  it('draws the same numbers for the same seed, for ever', () => {
    const random = createRandom(42, 7);
    expect([random.unit(), random.unit(), random.unit()].map((value) => value * 2 ** 32)).toEqual([
      1724005806, 1571947701, 344106112,
    ]);
    expect(hash32(1, 2, 3)).toBe(2901138804);
  });

  it('stays within what was asked', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: -50, max: 50 }), fc.nat(100), (seed, from, span) => {
        const random = createRandom(seed);
        const drawn = { range: random.range(from, from + span), integer: random.integer(from, from + span) };
        expect(drawn.range).toBeGreaterThanOrEqual(from);
        expect(drawn.range).toBeLessThanOrEqual(from + span);
        expect(drawn.integer).toBeGreaterThanOrEqual(from);
        expect(drawn.integer).toBeLessThanOrEqual(from + span);
        expect(['a', 'b', 'c']).toContain(random.pick(['a', 'b', 'c']));
        expect(Math.abs(random.gauss())).toBeLessThan(3.47);
      }),
    );
  });

  it('has the moments of a uniform and of a normal', () => {
    const random = createRandom(5);
    const units = Array.from({ length: 20_000 }, random.unit);
    const normals = Array.from({ length: 20_000 }, random.gauss);
    expect(mean(units)).toBeCloseTo(0.5, 1.9);
    expect(mean(normals)).toBeCloseTo(0, 1.5);
    expect(mean(normals.map((value) => value * value))).toBeCloseTo(1, 1.4);
  });

  it('gives neighbouring seeds unlike streams', () => {
    const first = Array.from({ length: 1000 }, (_, seed) => createRandom(seed).unit());
    expect(new Set(first).size).toBe(1000);
    expect(mean(first)).toBeCloseTo(0.5, 1.3);
  });
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
