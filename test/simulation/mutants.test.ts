// The checker is tested with planted mistakes: each must be caught within so many fleets.
import { describe, expect, it } from 'vitest';
import { allMutants } from './mutants/mutants.ts';
import { simulate } from './simulation.ts';

/** Fleets are kept small here: what is caught in them is caught in large ones. */
const SMALL = { devices: 8 };
const SEEDS_MAX = 60;

describe('the checker', () => {
  it.each(Object.entries(allMutants()))('catches %s', async (_name, { wiring }) => {
    for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
      const { violation } = await simulate(seed, SMALL, wiring);
      if (violation === null) continue;
      expect(violation.trace.length).toBeGreaterThan(0);
      return;
    }
    expect.fail(`not caught within ${SEEDS_MAX} seeds`);
  });
});
