// Evidence for devices of which nothing is recorded: as many as there are, as different as devices were seen to be. Only for the
// question what a stage could see; nothing is judged by it.
import { appliesTo, type Guardrail } from '../../../shared/rollout/guardrails.ts';
import { metricRule } from '../../../shared/rollout/metrics.ts';
import type { Visible } from '../../../shared/rollout/outlook.ts';
import type { RolloutSpec } from '../../../shared/rollout/rollout-file.ts';
import { firstProgress } from '../advance.ts';
import type { DeviceChange, Evidence, EvidenceFacts } from '../evidence.ts';
import { scaleOf } from '../guardrails.ts';
import { judge } from '../judge.ts';
import { scatterOf } from '../scatter.ts';
import { slicesOf } from '../slices.ts';
import { ruleOf, spansOf } from '../stage-rule.ts';
import type { Judged } from './trial.ts';
import { smallestVisible } from './visible.ts';

/** Devices change by themselves between two spans of time, and a minute differs from the next: standard deviations, in percent. */
export const ASSUMED = { devicePct: 6, minutePct: 4, minutes: 60 } as const;

export type AssumedFacts = {
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly stageIndex: number;
  readonly candidates: readonly AssumedDevice[];
  readonly controls: readonly AssumedDevice[];
};

export type AssumedDevice = { readonly site: string; readonly device: string; readonly hardwareClass: string };

export function assumedVisible(facts: AssumedFacts): readonly Visible[] {
  const stage = facts.spec.stages[facts.stageIndex];
  if (!stage) return [];
  return facts.guardrails
    .filter((guardrail) => appliesTo(guardrail, stage))
    .map((guardrail) => {
      const why = whyNotAssumed(guardrail);
      return why === null
        ? smallestVisible(judgedOf(guardrail, facts), 'assumed')
        : { guardrail: guardrail.id, value: null, text: why, basis: 'assumed' };
    });
}

function whyNotAssumed({ expression, incident }: Guardrail): string | null {
  if (incident) return null;
  const { source } = metricRule(expression.metric);
  if (source === 'golden') return 'known once devices have proven their baseline';
  if (source === 'paired') return 'known once the shadow stage runs';
  return expression.comparison.kind === 'absolute'
    ? 'needs recorded windows: a plain limit says nothing by itself'
    : null;
}

function judgedOf(guardrail: Guardrail, facts: AssumedFacts): Judged {
  const { spec, stageIndex, candidates, controls } = facts;
  const { bake, extend } = spec.stages[stageIndex] ?? { bake: 0, extend: { times: 0, eachMs: 0 } };
  const endAtMs = spec.analysis.settle + bake + extend.times * extend.eachMs;
  const progress = { ...firstProgress(0, ''), stageIndex, lookAtMs: endAtMs };
  const clock = { nowMs: endAtMs, spec, progress };
  const nothing: EvidenceFacts = { candidates: [], controls: [], assigned: candidates.length, golden: [] };
  const rule = { ...ruleOf(guardrail, spansOf(nothing, clock), clock) };
  const evidence = evidenceOf(guardrail, facts);
  const incidents = {
    candidateDigest: '',
    sinceMs: 0,
    incidents: [],
    candidates: candidates.length,
    controls: controls.length,
    evaluated: candidates.length,
  };
  const slices = slicesOf(spec.analysis.slices, [...candidates, ...controls]);
  return { guardrail, evidence, rule, slices, incidents, verdict: judge(guardrail, evidence, rule) };
}

function evidenceOf({ expression }: Guardrail, { candidates, controls }: AssumedFacts): Evidence {
  const perPercent = scaleOf(expression).perPercent;
  return {
    kind: 'changes',
    basis: 'self',
    candidates: changesOf(candidates, perPercent),
    controls: changesOf(controls, perPercent),
    evaluated: candidates.length,
    assigned: candidates.length,
    controlsAvailable: controls.length,
    excluded: { partial: 0, switch: 0, settling: 0, camera: 0 },
    count: 0,
  };
}

/** Spread evenly by their chance, so that the answer does not depend on luck. */
function changesOf(devices: readonly AssumedDevice[], perPercent: number): readonly DeviceChange[] {
  const minutes = scatterOf(evenly(ASSUMED.minutes).map((value) => value * ASSUMED.minutePct * perPercent));
  const changes = evenly(devices.length);
  return devices.map(({ site, device, hardwareClass }, at) => ({
    site,
    device,
    hardwareClass,
    change: (changes[at] ?? 0) * ASSUMED.devicePct * perPercent,
    since: minutes,
    before: minutes,
  }));
}

/** `count` values with mean 0 and deviation 1, in an order in which every part of them is spread as the whole is. */
function evenly(count: number): readonly number[] {
  if (count < 2) return count === 0 ? [] : [0];
  const spread = Math.sqrt((count * (count + 1)) / 12);
  const ranked = Array.from({ length: count }, (_, at) => (at - (count - 1) / 2) / spread);
  const order = ranked.map((_, at) => ({ at, key: ((at + 1) * GOLDEN) % 1 })).toSorted((a, b) => a.key - b.key);
  const values: number[] = [];
  for (const [rank, { at }] of order.entries()) values[at] = ranked[rank] ?? 0;
  return values;
}

/** Multiples of the golden ratio fall between each other. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
