// A thread that runs one seed after the other, as it is told. Started by seed-pool.ts.
import { parentPort } from 'node:worker_threads';
import { mutantNamed } from './mutants/mutants.ts';
import type { Ask } from './seed-pool.ts';
import { simulate } from './simulation.ts';

parentPort?.on('message', async ({ seed, overrides, mutant }: Ask) => {
  const run = await simulate(seed, overrides, mutant === null ? {} : mutantNamed(mutant)?.wiring);
  parentPort?.postMessage(run);
});
