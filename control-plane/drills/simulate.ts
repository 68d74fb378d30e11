// A drill on the simulated fleet, on a thread of its own: a kill never waits for a rehearsal.
import { Worker } from 'node:worker_threads';
import { drillFile } from '../../shared/rollout/drill-file.ts';
import { expandGuardrails } from '../../shared/rollout/guardrails.ts';
import type { DrillFacts } from '../core/drill.ts';
import type { SimulatedDrill } from '../simulation/drill-life.ts';
import type { Ruled } from '../simulation/rollout-life.ts';

/** What the simulated fleet finds; per-class guardrails of a file are about it. */
const LABELS = ['dent'];
const BAKE_MS = 30 * 60_000;

/** The rules that the simulated fleet is judged by, and the names of guardrails that say nothing there; or what is wrong. */
export function simulatedRules(
  base: string | null,
): { readonly rules: Ruled; readonly leftOut: readonly string[] } | string {
  const made = drillFile({ name: 'drill', candidate: 'cv-detector:2.0.0', base, cohort: null, forMs: BAKE_MS });
  if (!made.ok) return made.problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  const { spec } = made.file;
  return { rules: { spec, guardrails: expandGuardrails(spec, LABELS).guardrails }, leftOut: made.leftOut };
}

export type Simulation = { readonly facts: Promise<DrillFacts>; readonly end: () => Promise<unknown> };

export function startSimulation(drill: SimulatedDrill): Simulation {
  const { promise, resolve, reject } = Promise.withResolvers<DrillFacts>();
  const worker = new Worker(new URL('../simulation/drill-process.ts', import.meta.url), { workerData: drill });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new TypeError('the simulated drill ended without a result')));
  return { facts: promise, end: () => worker.terminate() };
}
