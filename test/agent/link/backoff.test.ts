// The waiting time between connections: doubles, is capped, and spreads a fleet.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../agent/link/backoff.ts';

const TIMING = { baseMs: 1000, capMs: 60_000 };

describe('backoffMs', () => {
  it('doubles its ceiling up to the cap', () => {
    expect([0, 1, 2, 5, 6, 1000].map((failures) => backoffMs(failures, 0.5, TIMING))).toEqual([
      500, 1000, 2000, 16_000, 30_000, 30_000,
    ]);
  });

  it('spreads over the whole range, so that a fleet does not come back at once', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, chance) => {
        const delayMs = backoffMs(failures, chance, TIMING);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThan(60_000);
      }),
    );
    expect(backoffMs(6, 0, TIMING)).toBe(0);
  });
});
