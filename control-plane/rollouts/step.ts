// One step of one rollout: read facts, decide, record. The only way a rollout moves, for ticks and for people alike;
// safe to repeat and safe to stop anywhere.

import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import { type Advance, advance, type Progress, startBake, trackBreaches } from '../core/advance.ts';
import { type AssessedDevice, type Assessment, assess, questionOf } from '../core/assess.ts';
import { type DecideFacts, type Decision, decide, type PersonRequest } from '../core/decide.ts';
import { factsToDecide } from '../core/decide-facts.ts';
import { describeStatus } from '../core/explain.ts';
import { isGoingBack, isOut } from '../core/factory-scope.ts';
import { type Ending, type EndingDevice, judgeCommit, judgeRollback } from '../core/finish.ts';
import { keyOf } from '../core/stages.ts';
import type { Verified } from '../core/verify.ts';
import { noteCourse } from './course.ts';
import { tendFactories } from './factory-step.ts';
import { takeJoiners } from './join-step.ts';
import { escalateKill } from './kill-step.ts';
import { type LedgerRow, markActivated } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import type { Seen } from './pictures.ts';
import { readIncidents } from './readings.ts';
import { recordTransition } from './record.ts';
import { compareAndSet, type Rollout, saveSnapshot } from './rollout-rows.ts';
import { onlyTakingPart, readSituation, type Situation, type StepInput, withoutAside } from './situation.ts';
import type { TransitionPlan } from './transition-plan.ts';
import { rememberRestored, verifyStep, withRestored } from './verify-step.ts';

export type StepResult =
  /** `decision` null: the rollout is ending by itself and takes no decisions. */
  | {
      readonly kind: 'done';
      readonly decision: Decision | null;
      readonly state: RolloutState;
      readonly moved: boolean;
      /** What was judged, for pictures; absent when nothing was. */
      readonly seen?: Seen;
    }
  /** Somebody else moved it first. */
  | { readonly kind: 'conflict' };

export async function stepRollout(parts: RolloutParts, input: StepInput): Promise<StepResult> {
  const situation = await readSituation(parts, input);
  const { state, progress } = input.rollout;
  if (state === 'rolling_back') return finish(parts, situation, 'rolling_back');
  if (progress.phase === 'committing' && !isUndo(input.request)) return finish(parts, situation, 'committing');
  const moved = input.request === null ? await tendFirst(parts, situation) : null;
  if (moved !== null) return moved ? { kind: 'done', decision: null, state, moved } : { kind: 'conflict' };
  return judgeAndDecide(parts, situation);
}

/** What comes before a decision: who has come, and factories on their way back. The next tick decides. */
async function tendFirst(parts: RolloutParts, situation: Situation): Promise<boolean | null> {
  return (
    (await escalateKill(parts, situation)) ?? (await takeJoiners(parts, situation)) ?? tendFactories(parts, situation)
  );
}

async function judgeAndDecide(parts: RolloutParts, everywhere: Situation): Promise<StepResult> {
  const situation = onlyTakingPart(everywhere);
  const { rollout, spec, guardrails, known, windows, nowMs } = situation;
  const asked = { nowMs, spec, guardrails, progress: rollout.progress, candidateDigest: rollout.candidate.digest };
  const histories = known.map(({ history }) => history);
  await windows.refresh(parts.database, questionOf(asked), histories);
  const assessment = assess({
    ...asked,
    devices: known,
    incidents: await readIncidents(parts.database, { progress: rollout.progress, devices: known }, guardrails),
    memory: windows.totals,
  });
  await markActivated(parts.database, rollout.id, newlyActive(situation, assessment), nowMs);
  const progress = observe(situation, assessment);
  const facts = factsToDecide({ ...situation, ...rollout, progress, assessment });
  const decision = decide(facts);
  const next = advance({ state: rollout.state, progress }, decision, {
    nowMs,
    stages: spec.stages,
    isAbort: situation.request?.verb === 'abort',
    reverted: assessment.reverted,
    request: situation.request,
    planHash: rollout.plan.hash,
    assigned: known.filter(({ role }) => role !== 'none'),
  });
  const saved = await save(parts, { ...situation, ledger: everywhere.ledger }, { assessment, decision, facts, next });
  if (!saved) return { kind: 'conflict' };
  const seen = { atMs: nowMs, stage: stageNameOf(situation), seq: null, evidence: assessment.evidence };
  await noteCourse(parts, { rolloutId: rollout.id, ...seen, verdicts: assessment.verdicts });
  // What was seen belongs to the stage that has just ended; the caller looks again at once.
  const isStale = next.effect === 'assign';
  if (isStale) return { kind: 'done', decision, state: next.state, moved: true, seen };
  await saveSnapshot(parts.database, rollout.id, {
    atMs: nowMs,
    status: describeStatus(next, decision, facts),
    exposure: assessment.exposure,
    controls: assessment.controls,
    verdicts: assessment.verdicts,
    standings: assessment.standings,
  });
  return { kind: 'done', decision, state: next.state, moved: next.isTransition, seen };
}

function stageNameOf({ rollout, spec }: Situation): string {
  return spec.stages[rollout.progress.stageIndex]?.name ?? '';
}

function newlyActive(
  { known }: Situation,
  { standings }: Assessment,
): readonly LedgerRow[] | readonly AssessedDevice[] {
  return known.filter((device, i) => device.activatedAtMs === null && standings[i]?.isActive);
}

/** What time and reports alone change: how long breaches last, and that everyone is there so that the bake can begin. */
function observe({ rollout, spec, nowMs }: Situation, { verdicts, pending, exposure }: Assessment): Progress {
  const breaching = verdicts.filter(({ verdict }) => verdict === 'breach').map(({ guardrail }) => guardrail);
  const progress = trackBreaches(rollout.progress, breaching, nowMs);
  const stage = spec.stages[progress.stageIndex];
  const isReady =
    rollout.state === 'running' && progress.phase === 'settling' && pending === null && exposure.exposed > 0;
  if (!isReady || !stage) return progress;
  // A self-test has no warm-up: its evidence is there when the proof is.
  return startBake(progress, {
    nowMs,
    bakeMs: stage.bake,
    settleMs: stage.mode === 'golden' ? 0 : spec.analysis.settle,
  });
}

type Outcome = {
  readonly assessment: Assessment;
  readonly decision: Decision;
  readonly facts: DecideFacts;
  readonly next: Advance;
};

/** A transition is recorded with its evidence; a change of clocks alone is stored; no change writes nothing. */
async function save(
  parts: RolloutParts,
  situation: Situation,
  { assessment, decision, facts, next }: Outcome,
): Promise<boolean> {
  const { rollout, request } = situation;
  if (!next.isTransition) {
    if (JSON.stringify(next.progress) === JSON.stringify(rollout.progress)) return true;
    return compareAndSet(parts.database, rollout, { state: rollout.state, progress: next.progress, endedAtMs: null });
  }
  const isPersons = request !== null && decision.rule.startsWith('person');
  const recorded = await recordTransition(parts, {
    ...transitionOf(situation, next),
    decision: {
      kind: decision.kind === 'wait' ? (next.state === 'running' ? 'resume' : 'wait') : decision.kind,
      rule: decision.rule,
      actor: isPersons ? request.actor : 'belay',
      reason: decision.reason,
      inputs: {
        facts: { ...facts, sustained: [...facts.sustained] },
        exposure: assessment.exposure,
        standings: assessment.standings,
        evidence: assessment.evidence,
      },
    },
  });
  if (recorded) logMove(parts, situation, { decision, state: next.state });
  return recorded;
}

function transitionOf({ rollout, spec, ledger, nowMs }: Situation, next: Advance): Omit<TransitionPlan, 'decision'> {
  return { rollout, spec, ledger, state: next.state, progress: next.progress, effect: next.effect, nowMs };
}

function logMove(
  parts: RolloutParts,
  { rollout, spec }: Situation,
  move: { decision: Pick<Decision, 'kind' | 'reason'>; state: RolloutState },
): void {
  const { decision, state } = move;
  const stage = spec.stages[rollout.progress.stageIndex]?.name;
  parts.log.info(
    { rolloutId: rollout.id, stage, decision: decision.kind, reason: decision.reason, from: rollout.state, to: state },
    'rollout moved',
  );
}

/** Ending: waits for what devices report, then closes the rollout. */
async function finish(
  parts: RolloutParts,
  situation: Situation,
  way: 'rolling_back' | 'committing',
): Promise<StepResult> {
  const { rollout, ledger, nowMs } = situation;
  const ending = judgeEnding(situation, way);
  const isThere = (ending.isDone || isStillBack(rollout, ending)) && !(way === 'committing' && situation.kill !== null);
  const verified =
    isThere && way === 'rolling_back'
      ? await verifyStep(parts, { ...withoutAside(situation), listeningSinceMs: parts.startedAtMs })
      : null;
  await saveSnapshot(parts.database, rollout.id, {
    ...rollout.latest,
    atMs: nowMs,
    status: `${way === 'rolling_back' ? 'rolling back' : 'completing'}: ${[ending.sentence, ...sentenceOf(verified)].join('; ')}`,
  });
  if (verified?.kind === 'wait' && !(await rememberRestored(parts, situation))) return { kind: 'conflict' };
  if (!isThere || verified?.kind === 'wait')
    return { kind: 'done', decision: null, state: rollout.state, moved: false };
  const state = way === 'rolling_back' ? rollout.progress.endAs : 'completed';
  const decision = {
    kind: state === 'completed' ? ('complete' as const) : ('rollback' as const),
    reason: [ending.sentence, ...sentenceOf(verified)].join('; '),
  };
  const recorded = await recordTransition(parts, {
    rollout,
    spec: situation.spec,
    ledger,
    nowMs,
    state,
    progress: verified === null ? rollout.progress : withRestored(rollout.progress, nowMs),
    effect: 'none',
    decision: {
      ...decision,
      rule: 'reported',
      actor: 'belay',
      inputs: { ending, verification: verified?.verification },
    },
    verification: verified?.verification ?? null,
  });
  if (!recorded) return { kind: 'conflict' };
  logMove(parts, situation, { decision, state });
  return { kind: 'done', decision: null, state, moved: true };
}

/** Devices that go offline while a rollback is verified take back nothing of what they had reported. */
function isStillBack({ state, progress }: Rollout, { stragglers }: Ending): boolean {
  return state === 'rolling_back' && progress.restoredAtMs !== undefined && stragglers.length === 0;
}

function sentenceOf(verified: Verified | null): readonly string[] {
  if (verified === null) return [];
  return [verified.kind === 'wait' ? verified.sentence : verified.verification.sentence];
}

function judgeEnding({ known, ledger, rollout }: Situation, way: 'rolling_back' | 'committing'): Ending {
  const devices = known.flatMap((device, i): EndingDevice[] => {
    const row = ledger[i];
    if (!row || !isEnding(rollout, row)) return [];
    const isReverted = device.reported?.quarantine.some(({ digest }) => digest === rollout.candidate.digest) ?? false;
    return [
      { device: keyOf(device), online: device.online, reported: device.reported, baseline: row.baseline, isReverted },
    ];
  });
  return way === 'rolling_back'
    ? judgeRollback(devices, rollout.candidate.digest)
    : judgeCommit(devices, rollout.candidate.digest);
}

function isEnding({ progress }: Rollout, row: LedgerRow): boolean {
  const { aside } = row;
  // It does what a person has said. Who was drained on the way back is still waited for.
  if (aside?.kind === 'pinned' || aside?.kind === 'retired' || (aside && progress.phase === 'committing')) return false;
  if (isOut(progress.factoriesOut, row)) return isGoingBack(progress.factoriesOut, row);
  return progress.phase === 'committing' ? row.pin !== 'baseline' : row.role !== 'none';
}

function isUndo(request: PersonRequest | null): boolean {
  return request?.verb === 'rollback' || request?.verb === 'abort';
}
