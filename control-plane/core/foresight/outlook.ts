// The outlook of a plan: parity, what each stage can see, a dry run of its guardrails on recorded windows, conflicts and the expected
// finish. Facts in, plain JSON out; it changes nothing about the plan.
import type { DryVerdict, Outlook, OutlookStage, ParityStage, Visible } from '../../../shared/rollout/outlook.ts';
import type { Plan, PlanStage } from '../../../shared/rollout/plan.ts';
import type { Incident } from '../incident-verdict.ts';
import type { PlanFacts } from '../plan.ts';
import { keyOf } from '../stages.ts';
import { assumedVisible } from './assumed.ts';
import { type ConflictFacts, conflictsOf } from './conflicts.ts';
import { expectFinish } from './expected-finish.ts';
import { parityOf, type Traits, worstDifference } from './parity.ts';
import { type RecordedDevice, spanOf, withoutDigest } from './recorded.ts';
import { recordedTraits } from './traits.ts';
import { momentsOf, openTrial, type Trial } from './trial.ts';
import { smallestVisible } from './visible.ts';

export type OutlookFacts = Pick<ConflictFacts, 'running' | 'kill' | 'cooldowns'> & {
  readonly planFacts: PlanFacts;
  readonly plan: Plan;
  /** Of the plan's devices, as far as they were read. */
  readonly recorded: readonly RecordedDevice[];
  readonly traits: ReadonlyMap<string, Traits>;
  readonly incidents: readonly Incident[];
};

/** Moments of a dry run: more cost time, and show the same. */
const MOMENTS = 6;
/** Shorter histories have no past and no present to compare. */
export const SPAN_MIN_MS = 15 * 60_000;

export function outlookOf(facts: OutlookFacts): Outlook {
  const { plan, planFacts } = facts;
  const { spec } = planFacts.file;
  const usable = { ...facts, recorded: withoutDigest(facts.recorded, plan.candidate.digest) };
  const sites = [...new Set(plan.devices.map(({ site }) => site))];
  const finish = expectFinish(spec, sites, plan.plannedAtMs);
  const parity = parityOfStages(plan, traitsOfPlan(plan, usable));
  const stages = plan.stages.map((stage, stageIndex) => stageOutlook(usable, stage, stageIndex));
  const span = spanOf(usable.recorded);
  return {
    recorded: {
      windows: usable.recorded.reduce((count, { windows }) => count + windows.length, 0),
      devices: usable.recorded.filter(({ windows }) => windows.length > 0).length,
      fromMs: span?.fromMs ?? null,
      toMs: span?.toMs ?? null,
    },
    parity,
    stages,
    finish,
    conflicts: conflictsOf({ ...facts, cohort: spec.cohort, finish }),
    reseed: null,
    notes: notesOf(usable, stages),
  };
}

export function devicesOfStage(stage: PlanStage): ReadonlySet<string> {
  return new Set(stage.sites.flatMap(({ site, devices }) => devices.map((device) => keyOf({ site, device }))));
}

/** By `site/device`, worked out once: they do not depend on who is chosen. */
export function traitsOfPlan(
  { devices }: Plan,
  { recorded, traits }: Pick<OutlookFacts, 'recorded' | 'traits'>,
): ReadonlyMap<string, Traits> {
  const known = new Map(recorded.map((device) => [keyOf(device), recordedTraits(device)]));
  return new Map(
    devices.map((device) => {
      const { hardwareClass: hardware, line, baseline } = device;
      const own = { hardware, line, 'baseline release': baseline?.release ?? null };
      return [keyOf(device), { ...own, ...traits.get(keyOf(device)), ...known.get(keyOf(device)) }];
    }),
  );
}

/** Of the stages that serve and leave controls, the smallest first. */
export function parityOfStages(plan: Plan, traits: ReadonlyMap<string, Traits>): ParityStage[] {
  return plan.stages
    .filter(({ mode, controls, devices }) => mode === 'serve' && controls > 0 && devices > 0)
    .map((stage) => {
      const chosen = devicesOfStage(stage);
      const armOf = (isIn: boolean) =>
        plan.devices
          .filter((device) => chosen.has(keyOf(device)) === isIn)
          .map((device) => traits.get(keyOf(device)) ?? {});
      return parityOf({ stage: stage.name, candidates: armOf(true), controls: armOf(false) });
    });
}

function stageOutlook(facts: OutlookFacts, stage: PlanStage, stageIndex: number): OutlookStage {
  const { plan } = facts;
  const chosen = devicesOfStage(stage);
  const trial = trialOf(facts, chosen, stageIndex);
  const dry = trial === null ? null : dryRun(trial, stage.mode);
  const recorded = dry?.visible ?? [];
  const { spec, guardrails } = rulesOf(facts.planFacts);
  const assumed = assumedVisible({
    spec,
    guardrails: guardrails.filter(({ id }) => !recorded.some((each) => each.guardrail === id && each.value !== null)),
    stageIndex,
    candidates: plan.devices.filter((device) => chosen.has(keyOf(device))),
    controls: plan.devices.filter((device) => !chosen.has(keyOf(device))),
  });
  const visible = guardrails.flatMap(({ id }) => {
    const [found, other] = [recorded, assumed].map((all) => all.find(({ guardrail }) => guardrail === id));
    return (other?.value ?? null) !== null ? (other ?? []) : (found ?? other ?? []);
  });
  const { name, mode, devices: candidates, controls } = stage;
  return { stage: name, mode, candidates, controls, visible, dryRun: dry?.run ?? null };
}

export function rulesOf({ file, guardrails }: PlanFacts) {
  return { spec: file.spec, guardrails };
}

/** The stage as if it had ended with the last window; null where too little is recorded. A self-test needs no windows. */
function trialOf(facts: OutlookFacts, chosen: ReadonlySet<string>, stageIndex: number): Trial | null {
  const { recorded, planFacts, plan, incidents } = facts;
  const { spec } = planFacts.file;
  const stage = spec.stages[stageIndex];
  const isProof = stage?.mode === 'golden';
  const span = spanOf(recorded) ?? (isProof ? { fromMs: 0, toMs: SPAN_MIN_MS } : null);
  if (!stage || span === null || (span.toMs - span.fromMs < SPAN_MIN_MS && !isProof)) return null;
  const lengthMs = Math.min(stage.bake + spec.analysis.settle, ((span.toMs - span.fromMs) * 2) / 3);
  return openTrial({
    ...rulesOf(planFacts),
    stageIndex,
    devices: recorded,
    candidates: new Set(recorded.map(keyOf).filter((key) => chosen.has(key))),
    candidateDigest: plan.candidate.digest,
    isRelabelled: true,
    incidents,
    startAtMs: span.toMs - lengthMs,
    endAtMs: span.toMs,
  });
}

function dryRun(trial: Trial, mode: PlanStage['mode']): { visible: readonly Visible[]; run: OutlookStage['dryRun'] } {
  const { facts } = trial;
  const moments = mode === 'serve' ? momentsOf(facts, MOMENTS) : [facts.endAtMs];
  const seen = moments.map((atMs) => ({ atMs, judged: trial.at(atMs) }));
  const last = seen.at(-1)?.judged ?? [];
  const verdicts = last.map(({ guardrail, verdict }, at): DryVerdict => {
    const broken = seen.filter(({ judged }) => judged[at]?.verdict.verdict === 'breach');
    return {
      guardrail: guardrail.id,
      title: guardrail.title,
      enforce: guardrail.enforce,
      verdict: verdict.verdict,
      sentence: verdict.sentence,
      moments: seen.length,
      broken: broken.length,
      firstBrokenAtMs: broken[0]?.atMs ?? null,
    };
  });
  const run = mode === 'serve' ? { fromMs: facts.startAtMs, toMs: facts.endAtMs, verdicts } : null;
  return { visible: last.map((judged) => smallestVisible(judged, 'recorded')), run };
}

function notesOf({ plan, recorded, planFacts }: OutlookFacts, stages: readonly OutlookStage[]): string[] {
  const span = spanOf(recorded);
  const longest = Math.max(...planFacts.file.spec.stages.map(({ bake }) => bake));
  const isShort = span !== null && ((span.toMs - span.fromMs) * 2) / 3 < longest;
  const hasAssumed = stages.some(({ visible }) =>
    visible.some((each) => each.basis === 'assumed' && each.value !== null),
  );
  return [
    ...(hasAssumed ? ['≈ is assumed, not measured: devices that change by 6 % by themselves, minutes by 4 %'] : []),
    ...(recorded.length < plan.devices.length && span !== null
      ? [
          `windows of ${recorded.length} of ${plan.devices.length} devices were read: with all of them a stage sees a little more`,
        ]
      : []),
    ...(isShort ? ['recorded windows are shorter than the longest stage: with its whole bake it sees more'] : []),
  ];
}

export type Reseeding = { readonly salt: string; readonly plan: Plan };

/** The salt whose first serving cohort is most like its controls; null when none is better than the plan's own. */
export function bestReseed(
  plan: Plan,
  others: readonly Reseeding[],
  traits: ReadonlyMap<string, Traits>,
): { readonly salt: string; readonly before: number; readonly after: number } | null {
  const scoreOf = (each: Plan) => Math.max(0, ...parityOfStages(each, traits).slice(0, 1).map(worstDifference));
  const before = scoreOf(plan);
  const scored = others.map((other) => ({ salt: other.salt, before, after: scoreOf(other.plan) }));
  const [best] = scored.toSorted((a, b) => a.after - b.after);
  return best !== undefined && best.after < before ? best : null;
}
