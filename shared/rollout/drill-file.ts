// The rollout file that a drill runs as: the terms of a given file (analysis, guardrails, limits, lease, abort), and one stage
// for the chosen devices that nobody ever leaves forwards. Without a given file: the terms of a game day.
import { parse } from 'yaml';
import { type FileProblem, readRolloutFile } from './read-rollout-file.ts';
import type { RolloutFile } from './rollout-file.ts';

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
    { id: 'detections', expr: 'mean(detections_per_frame) within baseline +/- 50 %', enforce: 'rollback' },
  ],
  limits: { latencyRatio: 2, latencyForMs: 5000, errorStreak: 3, emptyForMs: 10_000 },
  lease: { ttl: '1m', onLapse: 'revert' },
  abort: { deviceReverts: { percent: 1, min: 1 }, verify: { for: '1m', expr: 'p95(latency_ms) <= baseline * 1.50' } },
} as const;

/** Names of the terms that a drill takes from a file; everything else of it is about another rollout. */
const TERMS = ['owners', 'analysis', 'guardrails', 'limits', 'lease', 'abort'] as const;

export type DrillFileInput = {
  readonly name: string;
  readonly candidate: string;
  /** Null: the terms of a game day. */
  readonly base: string | null;
  /** Who gets the candidate, and who stays beside them as controls; null: half of everybody. */
  readonly cohort: {
    readonly site: string;
    readonly devices: readonly string[];
    readonly controls: readonly string[];
  } | null;
  readonly forMs: number;
};

/** `leftOut`: guardrails of the file that say nothing about one stage of live frames. */
export type DrillFile =
  | { readonly ok: true; readonly text: string; readonly file: RolloutFile; readonly leftOut: readonly string[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

export function drillFile(input: DrillFileInput): DrillFile {
  if (input.base === null) return fit(input, GAME_DAY_TERMS, []);
  const read = readRolloutFile(input.base);
  if (!read.ok) return read;
  const { spec } = parse(input.base) as { readonly spec: Record<string, unknown> };
  const terms = Object.fromEntries(TERMS.filter((term) => spec[term] !== undefined).map((term) => [term, spec[term]]));
  // Stages of the file do not exist here: what it asks in one of them is asked in the only one.
  const guardrails = (spec.guardrails as readonly Guardrail[]).map(({ stages: _, ...rest }) => rest);
  return fit(input, { ...terms, guardrails }, []);
}

type Guardrail = Readonly<Record<string, unknown>>;
type Terms = Readonly<Record<string, unknown>> & { readonly guardrails: readonly Guardrail[] };

/** Guardrails that need a shadow, a golden stage or the like are left out, one round for all that are found. */
function fit(input: DrillFileInput, terms: Terms, leftOut: readonly string[]): DrillFile {
  const text = textOf(input, terms);
  const read = readRolloutFile(text);
  if (read.ok) return { ok: true, text, file: read.value, leftOut };
  const places = read.problems.map(({ path }) => /^spec\.guardrails\[(\d+)\]/.exec(path)?.[1]);
  const out = new Set(places.map(Number));
  const left = terms.guardrails.filter((_, at) => !out.has(at));
  if (places.includes(undefined) || left.length === 0) return read;
  const names = terms.guardrails.filter((_, at) => out.has(at)).map(({ id }) => String(id));
  return fit(input, { ...terms, guardrails: left }, [...leftOut, ...names]);
}

function textOf({ name, candidate, cohort, forMs }: DrillFileInput, terms: Terms): string {
  const bake = `${Math.round(forMs / 1000)}s`;
  const drill = { name: 'drill', percent: 100, bake, promote: 'manual' };
  const chosen = (site: string) => ({
    factories: [site],
    pin: { candidate: cohort?.devices ?? [], baseline: cohort?.controls ?? [] },
    minPerFactory: 0,
  });
  const spec = {
    candidate,
    ...terms,
    cohort: cohort === null ? {} : chosen(cohort.site),
    stages: cohort === null ? [{ ...drill, name: 'half', percent: 50 }, drill] : [drill],
  };
  return JSON.stringify({ apiVersion: 'belay/v1', kind: 'Rollout', metadata: { name }, spec });
}
