// A thread that runs seeds of a figure as it is told. Started by run-pool.ts.
import { parentPort } from 'node:worker_threads';
import { FIGURES, openTools } from './figures.ts';
import type { Batch } from './run-pool.ts';

const tools = openTools();

parentPort?.on('message', ({ what, from, count }: Batch) => {
  const figure = FIGURES.find(({ id }) => id === what);
  if (!figure) throw new TypeError(`there is no figure ${what}`);
  parentPort?.postMessage(Array.from({ length: count }, (_, at) => [figure.run(from + at, tools)]));
});
