// Rehearsal: a whole rollout of a candidate that is the baseline, with cohorts drawn anew in every run. Whatever breaks is a false
// alarm. One run depends on its seed alone.
import type { RehearsalResult, RehearsedGuardrail } from '../../../shared/protocol/api-foresight.ts';
import type { Visible } from '../../../shared/rollout/outlook.ts';
import type { Incident } from '../incident-verdict.ts';
import { buildPlan, type PlanFacts } from '../plan.ts';
import { openRandom, type Random } from '../random.ts';
import { keyOf } from '../stages.ts';
import { devicesOfStage, rulesOf, SPAN_MIN_MS } from './outlook.ts';
import { type RecordedDevice, spanOf } from './recorded.ts';
import { momentsOf, openTrial, type Trial } from './trial.ts';
import { smallestVisible } from './visible.ts';

export type RehearsalFacts = {
  readonly planFacts: PlanFacts;
  /** The baseline alone: of one run, if it is simulated. */
  readonly recorded: readonly RecordedDevice[];
  readonly incidents: readonly Incident[];
  /** When every stage begins; null: drawn by lot. */
  readonly startAtMs: number | null;
};

/** What one guardrail did in one run. */
export type RunGuardrail = {
  readonly guardrail: string;
  readonly isBroken: boolean;
  readonly sentence: string | null;
  readonly stages: readonly { readonly stage: string; readonly isPassed: boolean; readonly visible: Visible }[];
};

export type Run = { readonly guardrails: readonly RunGuardrail[] };

/** Moments of a stage: the boundary holds for all of them together, so that more hardly raise more alarms. */
const MOMENTS = 20;

export function rehearseOnce(facts: RehearsalFacts, seed: number): Run {
  const random = openRandom(seed, 'rehearsal');
  const { planFacts } = facts;
  const devices = planFacts.devices.map((device) => ({ ...device, key: random.int(0, 2 ** 48 - 1), busyWith: null }));
  const plan = buildPlan({ ...planFacts, devices }, () => '');
  const walked = plan.stages.flatMap((stage, stageIndex) => {
    const trial =
      stage.mode === 'serve' ? drawTrial(facts, { stageIndex, chosen: devicesOfStage(stage), random }) : null;
    return trial === null ? [] : [walk(trial)];
  });
  return { guardrails: planFacts.guardrails.map(({ id }) => ofGuardrail(id, walked)) };
}

type Draw = { readonly stageIndex: number; readonly chosen: ReadonlySet<string>; readonly random: Random };

/** The stage at a moment of the history drawn by lot, with a past before it. */
function drawTrial(facts: RehearsalFacts, { stageIndex, chosen, random }: Draw): Trial | null {
  const { recorded, planFacts, incidents } = facts;
  const { spec } = planFacts.file;
  const stage = spec.stages[stageIndex];
  const span = spanOf(recorded);
  if (!stage || span === null || span.toMs - span.fromMs < SPAN_MIN_MS) return null;
  const wholeMs = span.toMs - span.fromMs;
  const lengthMs = Math.min(stage.bake + spec.analysis.settle, (wholeMs * 2) / 3);
  const firstMs = Math.min(span.fromMs + wholeMs / 3, span.toMs - lengthMs);
  const startAtMs = facts.startAtMs ?? Math.floor(random.between(firstMs, span.toMs - lengthMs));
  return openTrial({
    ...rulesOf(planFacts),
    stageIndex,
    devices: recorded,
    candidates: new Set(recorded.map(keyOf).filter((key) => chosen.has(key))),
    candidateDigest: planFacts.candidate.digest,
    isRelabelled: true,
    incidents,
    startAtMs,
    endAtMs: Math.min(span.toMs, startAtMs + lengthMs),
  });
}

type Walked = {
  readonly stage: string;
  readonly ends: readonly { readonly guardrail: string; readonly isPassed: boolean; readonly visible: Visible }[];
  readonly broken: ReadonlyMap<string, string>;
};

function walk(trial: Trial): Walked {
  const broken = new Map<string, string>();
  const moments = momentsOf(trial.facts, MOMENTS);
  let ends: Walked['ends'] = [];
  for (const [at, nowMs] of moments.entries()) {
    const judged = trial.at(nowMs);
    for (const { verdict, guardrail } of judged)
      if (verdict.verdict === 'breach' && !broken.has(guardrail.id)) broken.set(guardrail.id, verdict.sentence);
    if (at < moments.length - 1) continue;
    ends = judged
      .filter(({ verdict }) => verdict.verdict !== 'no-data')
      .map((each) => {
        const isPassed = each.verdict.verdict === 'pass';
        return { guardrail: each.guardrail.id, isPassed, visible: smallestVisible(each, 'recorded') };
      });
  }
  return { stage: trial.stage.name, ends, broken };
}

function ofGuardrail(guardrail: string, walked: readonly Walked[]): RunGuardrail {
  const sentences = walked.flatMap(({ broken }) => broken.get(guardrail) ?? []);
  const stages = walked.flatMap(({ stage, ends }) =>
    ends.filter((end) => end.guardrail === guardrail).map(({ isPassed, visible }) => ({ stage, isPassed, visible })),
  );
  return { guardrail, isBroken: sentences.length > 0, sentence: sentences[0] ?? null, stages };
}

export type Rehearsed = Pick<RehearsalResult, 'basis' | 'seed' | 'notes'> & {
  readonly planFacts: PlanFacts;
  readonly runs: readonly Run[];
};

export function summariseRuns({ planFacts, runs, basis, seed, notes }: Rehearsed): RehearsalResult {
  const stages = planFacts.file.spec.stages.map(({ name }) => name);
  return {
    basis,
    seed,
    notes,
    runs: runs.length,
    allowedPct: planFacts.file.spec.analysis.falseRollback * 100,
    guardrails: planFacts.guardrails.map(({ id, title, limitText, enforce }) => {
      const all = runs.flatMap(({ guardrails }) => guardrails.filter(({ guardrail }) => guardrail === id));
      return { guardrail: id, title, limitText, enforce, ...tally(all, stages) };
    }),
  };
}

function tally(all: readonly RunGuardrail[], stages: readonly string[]) {
  const judged = all.filter((run) => run.isBroken || run.stages.length > 0);
  const broken = judged.filter(({ isBroken }) => isBroken);
  const looks = judged.flatMap((run) => run.stages);
  const [low, high] = judged.length === 0 ? [null, null] : rangeOf(broken.length, judged.length);
  return {
    runs: judged.length,
    falseAlarms: broken.length,
    ratePct: judged.length === 0 ? null : pct(broken.length / judged.length),
    lowPct: low,
    highPct: high,
    passed: looks.filter(({ isPassed }) => isPassed).length,
    looks: looks.length,
    visible: stages.flatMap((stage) => middleOf(looks.filter((look) => look.stage === stage))),
    example: broken[0]?.sentence ?? null,
  };
}

function middleOf(looks: readonly RunGuardrail['stages'][number][]): RehearsedGuardrail['visible'] {
  const [first] = looks;
  if (!first) return [];
  const known = looks.flatMap(({ visible: { value, text } }) => (value === null ? [] : [{ value, text }]));
  const sorted = known.toSorted((a, b) => Math.abs(a.value) - Math.abs(b.value));
  // More runs without than with: the middle one sees nothing.
  const middle = sorted[Math.floor(looks.length / 2)];
  return [{ stage: first.stage, ...(middle ?? { value: null, text: first.visible.text }) }];
}

/** Wilson: honest also where none of a few runs was broken. 90 %, two-sided. */
const Z = 1.645;

function rangeOf(hits: number, total: number): readonly [number, number] {
  const share = hits / total;
  const centre = share + Z ** 2 / (2 * total);
  const reach = Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2));
  const scale = 1 + Z ** 2 / total;
  return [pct(Math.max(0, (centre - reach) / scale)), pct(Math.min(1, (centre + reach) / scale))];
}

function pct(share: number): number {
  return Number((share * 100).toFixed(2));
}
