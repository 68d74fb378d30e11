// Runs many seeds of one figure, or of the table, on several threads. What a run says depends on its seed alone.
import { Worker } from 'node:worker_threads';
import type { Outcome } from './outcome.ts';

export type Batch = { readonly what: string; readonly from: number; readonly count: number };

export type Runs = Batch & {
  readonly threads: number;
  /** How many runs are done. */
  readonly onProgress?: (done: number) => void;
};

/** Threads are told this many pieces each at least, so that none waits long for the others. */
const PIECES_PER_THREAD = 8;

/** One list of outcomes per seed, in the order of seeds. Rejects when the simulation itself breaks. */
export async function runMany({
  what,
  from,
  count,
  threads,
  onProgress,
}: Runs): Promise<readonly (readonly Outcome[])[]> {
  const size = Math.max(1, Math.ceil(count / (threads * PIECES_PER_THREAD)));
  const found: { readonly from: number; readonly outcomes: readonly (readonly Outcome[])[] }[] = [];
  let next = from;
  let done = 0;
  const work = async () => {
    const worker = new Worker(new URL('./run-worker.ts', import.meta.url), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    try {
      while (next < from + count) {
        const batch = { what, from: next, count: Math.min(size, from + count - next) };
        next += batch.count;
        found.push({ from: batch.from, outcomes: await ask(worker, batch) });
        done += batch.count;
        onProgress?.(done);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, Math.ceil(count / size))) }, work));
  return found.toSorted((a, b) => a.from - b.from).flatMap(({ outcomes }) => outcomes);
}

function ask(worker: Worker, batch: Batch): Promise<readonly (readonly Outcome[])[]> {
  return new Promise((resolve, reject) => {
    const onError = (error: unknown) =>
      reject(new Error(`${batch.what}: seeds from ${batch.from} broke the simulation`, { cause: error }));
    worker.once('error', onError);
    worker.once('message', (outcomes: readonly (readonly Outcome[])[]) => {
      worker.removeListener('error', onError);
      resolve(outcomes);
    });
    worker.postMessage(batch);
  });
}
