// The deterministic simulation as a test: 200 fleets, no promise broken, and each run the same every time.
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runSeeds } from './seed-pool.ts';
import { simulate } from './simulation.ts';

const SEEDS = 200;

describe('the simulation', () => {
  it('runs one seed the same way every time, on a thread of its own too', async () => {
    const small = { devices: 6 };
    const [first, second] = [await simulate(11, small), await simulate(11, small)];
    const [onThread] = await runSeeds({ from: 11, count: 1, overrides: small, threads: 1 });
    expect([second.hash, onThread?.hash]).toEqual([first.hash, first.hash]);
    expect(second.steps).toBe(first.steps);
    expect((await simulate(12, small)).hash).not.toBe(first.hash);
  });

  it(`keeps every promise in ${SEEDS} fleets`, async () => {
    const runs = await runSeeds({ from: 1, count: SEEDS, threads: Math.min(4, availableParallelism()) });
    const broken = runs.filter(({ violation }) => violation !== null);
    const told = broken.map(({ seed, violation }) => `seed ${seed}: ${violation?.invariant}: ${violation?.message}`);
    expect(told).toEqual([]);
    expect(runs.length).toBe(SEEDS);
    // They are worth something only if fleets live, answer and finish rollouts both ways.
    const ends = runs.flatMap(({ rollouts }) => rollouts.map((rollout) => rollout.split(' ')[1]));
    expect(ends.filter((end) => end === 'completed').length).toBeGreaterThan(SEEDS / 10);
    expect(ends.filter((end) => end === 'rolled_back').length).toBeGreaterThan(SEEDS / 10);
    expect(ends.filter((end) => end === 'superseded').length).toBeGreaterThan(0);
    expect(Math.max(...runs.map(({ parameters }) => parameters.devices))).toBeGreaterThan(100);
    expect(Math.min(...runs.map(({ answers }) => answers))).toBeGreaterThan(100);
  });
});
