// Runs many seeds on several threads. What each run gives depends on its seed alone, never on the threads.
import { Worker } from 'node:worker_threads';
import type { Overrides } from './parameters.ts';
import type { Run } from './simulation.ts';

export type Ask = {
  readonly seed: number;
  readonly overrides: Overrides;
  /** Name of a planted mistake; null: the program as it is. */
  readonly mutant: string | null;
};

export type Seeds = {
  readonly from: number;
  readonly count: number;
  readonly overrides?: Overrides;
  readonly mutant?: string | null;
  readonly threads: number;
  /** After each run, in the order of their ends. */
  readonly onRun?: (run: Run) => void;
  /** No further seed is begun once this says so. */
  readonly isEnough?: (run: Run) => boolean;
};

/** Every run, in the order of seeds. Rejects when the simulation itself breaks. */
export async function runSeeds(seeds: Seeds): Promise<readonly Run[]> {
  const { from, count, overrides = {}, mutant = null } = seeds;
  const runs: Run[] = [];
  let next = from;
  let isEnough = false;
  const work = async () => {
    const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    try {
      while (!isEnough && next < from + count) {
        const seed = next;
        next += 1;
        const run = await ask(worker, { seed, overrides, mutant });
        runs.push(run);
        seeds.onRun?.(run);
        isEnough ||= seeds.isEnough?.(run) ?? false;
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(seeds.threads, count)) }, work));
  return runs.toSorted((a, b) => a.seed - b.seed);
}

function ask(worker: Worker, what: Ask): Promise<Run> {
  return new Promise((resolve, reject) => {
    worker.once('message', (run: Run) => {
      worker.removeAllListeners('error');
      resolve(run);
    });
    worker.once('error', (error) => reject(new Error(`seed ${what.seed} broke the simulation`, { cause: error })));
    worker.postMessage(what);
  });
}
