// One stage of a rollout on recorded windows: the production evidence, rules and judge, moment by moment. What differs from a running
// rollout is only where the windows come from.
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import { appliesTo } from '../../../shared/rollout/guardrails.ts';
import type { RolloutSpec, StageSpec } from '../../../shared/rollout/rollout-file.ts';
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import { firstProgress } from '../advance.ts';
import { rememberTotals, type TotalsMemory } from '../device-memory.ts';
import { type Evidence, type EvidenceFacts, gatherEvidence, isEvaluated } from '../evidence.ts';
import { type Incident, type IncidentFacts, judgeIncidents } from '../incident-verdict.ts';
import type { Rule } from '../judge.ts';
import { openKnown } from '../known-changes.ts';
import { judgeScopes, type Slice, slicesOf } from '../slices.ts';
import { ruleOf, type StageClock, spansFromMs, spansOf } from '../stage-rule.ts';
import { keyOf } from '../stages.ts';
import { type Cut, cutAt, type RecordedDevice } from './recorded.ts';

export type TrialFacts = {
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly stageIndex: number;
  readonly devices: readonly RecordedDevice[];
  /** `site/device` of those that have the candidate. */
  readonly candidates: ReadonlySet<string>;
  readonly candidateDigest: string;
  /** The candidate is the baseline under another name; false: the windows really are of the candidate. */
  readonly isRelabelled: boolean;
  readonly incidents: readonly Incident[];
  readonly startAtMs: number;
  /** The look at the end. */
  readonly endAtMs: number;
};

/** A guardrail with all that its verdict was reached from. */
export type Judged = {
  readonly guardrail: Guardrail;
  readonly verdict: Verdict;
  /** Null: it counts incidents. */
  readonly evidence: Evidence | null;
  readonly incidents: IncidentFacts;
  readonly rule: Rule;
  readonly slices: readonly Slice[];
};

export type Trial = {
  readonly facts: TrialFacts;
  readonly stage: StageSpec;
  readonly controls: number;
  readonly at: (nowMs: number) => readonly Judged[];
};

export function openTrial(facts: TrialFacts): Trial {
  const { spec, stageIndex, devices, candidates } = facts;
  const stage = spec.stages[stageIndex];
  if (!stage) throw new TypeError(`a rollout has no stage ${stageIndex}`);
  const places = devices.map((device): Place => {
    const isCandidate = candidates.has(keyOf(device));
    const label = isCandidate && facts.isRelabelled ? facts.candidateDigest : null;
    return { device, isCandidate, cut: cutAt(device, facts.startAtMs, label) };
  });
  const memory = rememberTotals();
  const slices = slicesOf(spec.analysis.slices, devices);
  const guardrails = facts.guardrails.filter((guardrail) => appliesTo(guardrail, stage));
  return {
    facts,
    stage,
    controls: devices.length - candidates.size,
    at: (nowMs) => {
      const clock = clockOf(facts, nowMs);
      const evidenceFacts = gather({ facts, stage, places, memory }, clock);
      const spans = spansOf(evidenceFacts, clock);
      const incidents = incidentsOf(facts, evidenceFacts, nowMs);
      return guardrails.map((guardrail) => {
        const rule = ruleOf(guardrail, spans, clock);
        if (guardrail.incident)
          return {
            guardrail,
            verdict: judgeIncidents(guardrail, incidents, rule),
            evidence: null,
            incidents,
            rule,
            slices,
          };
        const evidence = gatherEvidence(guardrail, evidenceFacts);
        const verdict = judgeScopes(guardrail, evidence, { ...rule, slices });
        return { guardrail, verdict, evidence, incidents, rule, slices };
      });
    },
  };
}

type Place = { readonly device: RecordedDevice; readonly isCandidate: boolean; readonly cut: Cut };
type Scene = {
  readonly facts: TrialFacts;
  readonly stage: StageSpec;
  readonly places: readonly Place[];
  readonly memory: TotalsMemory;
};

function clockOf({ spec, stageIndex, startAtMs, endAtMs }: TrialFacts, nowMs: number): StageClock {
  const progress = firstProgress(startAtMs, '');
  return { nowMs, spec, progress: { ...progress, stageIndex, phase: 'baking', lookAtMs: endAtMs } };
}

function gather({ facts, stage, places, memory }: Scene, clock: StageClock): EvidenceFacts {
  const { candidateDigest, startAtMs, spec, guardrails } = facts;
  const question = {
    candidateDigest,
    mode: stage.mode,
    stageStartedAtMs: startAtMs,
    settleMs: spec.analysis.settle,
    liveSinceMs: startAtMs,
    keep: { fromMs: spansFromMs(clock), guardrails },
  };
  const histories = places.map(({ device, isCandidate, cut }) => ({
    isCandidate,
    history: {
      ...placeOf(device),
      before: cut.before,
      since: cut.since.filter(({ endAtMs }) => endAtMs <= clock.nowMs),
    },
  }));
  const candidates = histories.filter(({ isCandidate }) => isCandidate);
  const controls = histories.filter(({ isCandidate }) => !isCandidate);
  return {
    candidates: candidates.map(({ history }) => memory.candidate(history, question)),
    controls: controls.map(({ history }) => memory.control(history, question)),
    assigned: candidates.length,
    golden: places.map(({ device, isCandidate }) => ({
      device: device.device,
      hardwareClass: device.hardwareClass,
      isCandidate,
      candidate: facts.isRelabelled ? device.baselineScores : device.candidateScores,
      baseline: device.baselineScores,
    })),
    known: openKnown(
      guardrails.filter((guardrail) => appliesTo(guardrail, stage)),
      memory.changes,
    ),
  };
}

function placeOf({ site, device, hardwareClass, line, baselineDigest }: RecordedDevice) {
  return { site, device, hardwareClass, line, baselineDigest };
}

/** What a device told of its baseline is the candidate's where the candidate is the baseline. */
function incidentsOf(facts: TrialFacts, evidence: EvidenceFacts, nowMs: number): IncidentFacts {
  const { candidateDigest, startAtMs, isRelabelled, spec } = facts;
  const incidents = facts.incidents
    .filter(({ atMs }) => atMs >= startAtMs && atMs <= nowMs)
    .map((incident) =>
      isRelabelled && facts.candidates.has(keyOf(incident)) ? { ...incident, digest: candidateDigest } : incident,
    );
  return {
    candidateDigest,
    sinceMs: startAtMs,
    incidents,
    candidates: evidence.candidates.length,
    controls: evidence.controls.length,
    evaluated: evidence.candidates.filter(({ since }) => isEvaluated(since.totals, spec.analysis)).length,
  };
}

/** The moments at which it is looked at: evenly, the end included, never further apart than a rolling window. */
export function momentsOf(facts: TrialFacts, most: number): readonly number[] {
  const { startAtMs, endAtMs, spec } = facts;
  const evenly = (endAtMs - startAtMs) / most;
  const stepMs = Math.max(MINUTE_MS, Math.min(Math.ceil(evenly / MINUTE_MS) * MINUTE_MS, spec.analysis.window));
  const count = Math.max(1, Math.ceil((endAtMs - startAtMs) / stepMs));
  return Array.from({ length: count }, (_, at) => Math.min(endAtMs, startAtMs + (at + 1) * stepMs));
}

const MINUTE_MS = 60_000;
