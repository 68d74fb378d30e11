// A thread that runs seeds of a figure as it is told. Started by run-pool.ts.
import { parentPort } from 'node:worker_threads';
import { compareRules } from './comparison.ts';
import { FIGURES, openTools } from './figures.ts';
import type { Outcome } from './outcome.ts';
import type { Batch } from './run-pool.ts';

const tools = openTools();

/** `table+20` compares rules at +20 %; anything else is the id of a figure. */
function runOf(what: string): (seed: number) => readonly Outcome[] {
  const effect = /^table\+(\d+)$/.exec(what)?.[1];
  if (effect !== undefined) return (seed) => compareRules(seed, Number(effect), tools.makeWindow);
  const figure = FIGURES.find(({ id }) => id === what);
  if (!figure) throw new TypeError(`there is no figure ${what}`);
  return (seed) => [figure.run(seed, tools)];
}

parentPort?.on('message', ({ what, from, count }: Batch) => {
  const run = runOf(what);
  parentPort?.postMessage(Array.from({ length: count }, (_, at) => run(from + at)));
});
