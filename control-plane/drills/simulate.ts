// A drill on the simulated fleet, on a thread of its own: a kill never waits for a rehearsal.
import { Worker } from 'node:worker_threads';
import { drillFileText } from '../../shared/rollout/drill-file.ts';
import { expandGuardrails } from '../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { DrillFacts } from '../core/drill.ts';
import type { SimulatedDrill } from '../simulation/drill-life.ts';
import type { Ruled } from '../simulation/rollout-life.ts';

/** What the simulated fleet finds; per-class guardrails of a file are about it. */
const LABELS = ['dent'];
const BAKE_MS = 30 * 60_000;

export function simulatedRules(base: string | null): Ruled {
  const text = drillFileText({ name: 'drill', candidate: 'cv-detector:2.0.0', base, cohort: null, forMs: BAKE_MS });
  const read = readRolloutFile(text);
  if (!read.ok) throw new TypeError(`the file of a drill is wrong: ${JSON.stringify(read.problems)}`);
  const { spec } = read.value;
  return { spec, guardrails: expandGuardrails(spec, LABELS).guardrails };
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
