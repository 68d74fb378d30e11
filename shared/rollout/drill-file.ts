// The rollout file that a drill runs as: the terms of a given file (analysis, guardrails, limits, lease, abort), and one stage
// for the chosen devices that nobody ever leaves forwards. Without a given file: the terms of a game day.
import { parse } from 'yaml';
import { readRolloutFile } from './read-rollout-file.ts';

/** What is judged, and how fast. Two minutes are only kept where silence and speed are noticed within seconds. */
export const GAME_DAY_TERMS = {
  owners: { primary: 'vision-team', backup: 'on-call-vision' },
  analysis: {
    settle: '10s',
    minimum: { devices: 2, controls: 2, framesPerDevice: 300, minutes: 0.5 },
    missing: { stale: '45s', maxSilent: '20%' },
  },
  guardrails: [
    { id: 'p50', expr: 'p50(latency_ms) <= baseline * 1.50', enforce: 'rollback' },
    { id: 'errors', expr: 'rate(errors, frames) <= 2 %', enforce: 'rollback' },
    { id: 'thermal', expr: 'mean(soc_temp_c) <= baseline + 5', enforce: 'rollback' },
    { id: 'detections', expr: 'mean(detections_per_frame) within baseline +/- 50 %', enforce: 'rollback' },
  ],
  limits: { latencyRatio: 2, latencyForMs: 5000, errorStreak: 3, emptyForMs: 10_000 },
  lease: { ttl: '1m', onLapse: 'revert' },
  abort: { deviceReverts: { percent: 1, min: 1 } },
} as const;

/** Names of the terms that a drill takes from a file; everything else of it is about another rollout. */
const TERMS = ['owners', 'analysis', 'guardrails', 'limits', 'lease', 'abort'] as const;

export type DrillFileInput = {
  readonly name: string;
  readonly candidate: string;
  /** Null: the terms of a game day. It must be a readable rollout file. */
  readonly base: string | null;
  /** Who gets the candidate, and who stays beside them as controls; null: half of everybody. */
  readonly cohort: {
    readonly site: string;
    readonly devices: readonly string[];
    readonly controls: readonly string[];
  } | null;
  readonly forMs: number;
};

/** Throws TypeError where `base` is not readable: check it before. */
export function drillFileText({ name, candidate, base, cohort, forMs }: DrillFileInput): string {
  const terms = base === null ? GAME_DAY_TERMS : termsOf(base);
  const bake = `${Math.round(forMs / 1000)}s`;
  const stages = [{ name: 'drill', percent: 100, bake, promote: 'manual' }];
  const spec = {
    candidate,
    ...terms,
    cohort:
      cohort === null
        ? {}
        : { factories: [cohort.site], pin: { candidate: cohort.devices, baseline: cohort.controls }, minPerFactory: 0 },
    stages: cohort === null ? [{ ...stages[0], name: 'half', percent: 50 }, ...stages] : stages,
  };
  return JSON.stringify({ apiVersion: 'belay/v1', kind: 'Rollout', metadata: { name }, spec });
}

function termsOf(base: string): Record<string, unknown> {
  const read = readRolloutFile(base);
  if (!read.ok) throw new TypeError('the file of a drill cannot be read');
  const { spec } = parse(base) as { readonly spec: Record<string, unknown> };
  const terms = Object.fromEntries(TERMS.filter((term) => spec[term] !== undefined).map((term) => [term, spec[term]]));
  // Stages of the file do not exist here: what it asks in one of them is asked in the only one.
  const guardrails = (spec.guardrails as readonly Record<string, unknown>[]).map(({ stages: _, ...rest }) => rest);
  return { ...terms, guardrails };
}
