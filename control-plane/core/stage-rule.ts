// The rule by which a guardrail is judged in a stage: its share of the allowed error, its windows and its looks. All of it follows
// from the file and the clock; nothing follows from what was measured.
import { appliesTo, type Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Progress } from './advance.ts';
import { type EvidenceFacts, gatherEvidence } from './evidence.ts';
import type { Rule } from './judge.ts';
import { anew } from './known-changes.ts';
import type { Selected } from './selected.ts';

export type StageClock = {
  readonly nowMs: number;
  readonly spec: RolloutSpec;
  readonly progress: Progress;
};

/** `falseRollback` of the file, split evenly over the stages in which the guardrail is judged. */
export function alphaOf(guardrail: Guardrail, { stages, analysis }: Pick<RolloutSpec, 'stages' | 'analysis'>): number {
  const judged = stages.filter((stage) => appliesTo(guardrail, stage)).length;
  return analysis.falseRollback / Math.max(1, judged);
}

type Spanned = { readonly facts: EvidenceFacts; readonly fromMs: number; readonly toMs: number };

/** Parts of the time that every guardrail looks at, cut out once. */
export type Spans = {
  readonly planned: number;
  readonly finished: (Spanned & { readonly number: number }) | null;
  readonly recent: Spanned;
};

export function spansOf(facts: EvidenceFacts, clock: StageClock): Spans {
  const { planned, last } = windowsOf(clock);
  const recentFromMs = clock.nowMs - clock.spec.analysis.window;
  const cut = (of: EvidenceFacts, which: 'finished' | 'running', fromMs: number, toMs: number): Spanned => {
    const known = of.known && anew(of.known, which);
    return { facts: { ...within(of, fromMs, toMs), ...(known ? { known } : {}) }, fromMs, toMs };
  };
  return {
    planned,
    finished: last && { ...cut(facts, 'finished', last.fromMs, last.toMs), number: last.number },
    // A plain limit is not compared with controls.
    recent: cut({ ...facts, controls: [] }, 'running', recentFromMs, clock.nowMs),
  };
}

/** Where the earliest of these spans may begin. */
export function spansFromMs({ nowMs, spec }: StageClock): number {
  return nowMs - 2 * spec.analysis.window;
}

/** For the whole fleet; slices share its alpha. */
export function ruleOf(guardrail: Guardrail, spans: Spans, { nowMs, spec, progress }: StageClock): Rule {
  const stage = spec.stages[progress.stageIndex];
  const of = 1 + (stage?.extend.times ?? 0);
  const { source } = metricRule(guardrail.expression.metric);
  const isTimed = source === 'self' || source === 'paired';
  const isPlain = guardrail.expression.comparison.kind === 'absolute';
  const evidenceOf = ({ facts, ...span }: Spanned) => ({ ...span, evidence: gatherEvidence(guardrail, facts) });
  const { finished } = spans;
  return {
    alpha: alphaOf(guardrail, spec),
    passAlpha: 1 - spec.analysis.promoteConfidence,
    windows: {
      planned: spans.planned,
      finished: isTimed && finished ? { ...evidenceOf(finished), number: finished.number } : null,
    },
    recent: isTimed && isPlain ? evidenceOf(spans.recent) : null,
    span: { fromMs: progress.stageStartedAtMs, toMs: nowMs },
    look: {
      number: Math.min(of, 1 + progress.extensionsUsed),
      of,
      isNow: progress.lookAtMs !== null && nowMs >= progress.lookAtMs,
    },
    slice: null,
  };
}

type Windows = {
  readonly planned: number;
  readonly last: { readonly number: number; readonly fromMs: number; readonly toMs: number } | null;
};

/** Rolling windows of a stage, one after the other from the end of settling; as many as bake and extensions hold. */
function windowsOf({ nowMs, spec, progress }: StageClock): Windows {
  const { window: windowMs, settle } = spec.analysis;
  const stage = spec.stages[progress.stageIndex];
  const plannedMs = stage === undefined ? 0 : stage.bake + stage.extend.times * stage.extend.eachMs;
  const planned = Math.floor(plannedMs / windowMs);
  const originMs = progress.stageStartedAtMs + settle;
  const number = Math.floor((nowMs - originMs) / windowMs);
  const toMs = originMs + number * windowMs;
  return { planned, last: planned < 1 || number < 1 ? null : { number, fromMs: toMs - windowMs, toMs } };
}

/** The same devices, with the windows whose middle lies in the span. */
function within(facts: EvidenceFacts, fromMs: number, toMs: number): EvidenceFacts {
  const narrow = (selected: Selected): Selected => ({
    ...selected,
    since: selected.since.between(fromMs, toMs),
    paired: selected.paired.between(fromMs, toMs),
  });
  return {
    ...facts,
    candidates: facts.candidates.map(narrow),
    controls: facts.controls.map(narrow),
  };
}
