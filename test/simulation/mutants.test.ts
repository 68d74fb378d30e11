// The checker is tested with planted mistakes: each must be caught within so many fleets, which the program as it is
// passes without a word.
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { allMutants } from './mutants/mutants.ts';
import { runSeeds } from './seed-pool.ts';

/** Fleets are kept small here: what is caught in them is caught in large ones. */
const SMALL = { devices: 6 };
const SEEDS_MAX = 60;

describe('the checker', () => {
  it.each(Object.keys(allMutants()))('catches %s', async (mutant) => {
    const runs = await runSeeds({
      from: 1,
      count: SEEDS_MAX,
      overrides: SMALL,
      mutant,
      threads: Math.min(4, availableParallelism()),
      isEnough: ({ violation }) => violation !== null,
    });
    const caught = runs.find(({ violation }) => violation !== null);
    expect(caught, `not caught within ${SEEDS_MAX} seeds`).toBeDefined();
    expect(caught?.violation?.trace.length).toBeGreaterThan(0);
  });
});
