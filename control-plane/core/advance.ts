// What a decision makes of a rollout: the next state and progress, and which desired documents must be written.
import type { RolloutPhase, RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Approval, Decision, HoldKind, PersonRequest } from './decision.ts';
import type { FactoryOut } from './factory-scope.ts';

/** Where a rollout stands; stored as JSON beside it, so that any process can go on from here. */
export type Progress = {
  readonly stageIndex: number;
  readonly phase: RolloutPhase;
  readonly stageStartedAtMs: number;
  readonly bakingSinceMs: number | null;
  readonly lookAtMs: number | null;
  readonly extensionsUsed: number;
  readonly holdKind: HoldKind | null;
  /** Why it is as it is: the reason of the last decision. */
  readonly reason: string;
  /** Guardrail → since when it breaches without a break. */
  readonly breachingSince: Readonly<Record<string, number>>;
  /** Reverts before this do not count: a person has resumed since. */
  readonly incidentsSinceMs: number;
  readonly acknowledgedReverts: readonly string[];
  readonly stageTimes: readonly { readonly startedAtMs: number; readonly endedAtMs: number | null }[];
  readonly endAs: 'rolled_back' | 'aborted' | 'superseded';
  /** When every reachable device first reported its own release answering again; from then on the rollback is verified. */
  readonly restoredAtMs?: number;
  /** Who started it, and when its first device was told; null before. Rollouts of older versions do not know. */
  readonly startedBy: string | null;
  readonly startedAtMs: number | null;
  /** Of the stage that it is in. */
  readonly approvals: readonly Approval[];
  /** Since when it is held for this reason; null when it is not held. */
  readonly heldSinceMs: number | null;
  /** Factories that were taken back alone, and stay out. */
  readonly factoriesOut: readonly FactoryOut[];
  /** Rollouts in whose place it was started; it begins when they have ended. */
  readonly supersedes?: readonly string[];
};

/** What is missing in a progress that an older version has stored. */
export const PROGRESS_BEFORE = {
  startedBy: null,
  startedAtMs: null,
  approvals: [],
  heldSinceMs: null,
  factoriesOut: [],
} as const;

export type Standing = { readonly state: RolloutState; readonly progress: Progress };

/** Which desired documents a transition writes. `reorder`: those of devices that have the candidate, in other words. */
export type Effect = 'none' | 'assign' | 'reorder' | 'restore' | 'restore-factory' | 'commit';

export type Advance = Standing & { readonly effect: Effect; readonly isTransition: boolean };

export type AdvanceContext = {
  readonly nowMs: number;
  readonly stages: readonly StageSpec[];
  readonly isAbort: boolean;
  readonly reverted: readonly string[];
  /** What a person asks; an approval is taken from here. */
  readonly request?: PersonRequest | null;
  readonly planHash?: string;
  /** Devices that have a role now. */
  readonly assigned?: readonly { readonly site: string; readonly device: string }[];
};

export function firstProgress(nowMs: number, reason: string, startedBy: string | null = null): Progress {
  return {
    stageIndex: 0,
    phase: 'settling',
    stageStartedAtMs: nowMs,
    bakingSinceMs: null,
    lookAtMs: null,
    extensionsUsed: 0,
    holdKind: null,
    reason,
    breachingSince: {},
    incidentsSinceMs: nowMs,
    acknowledgedReverts: [],
    stageTimes: [{ startedAtMs: nowMs, endedAtMs: null }],
    endAs: 'rolled_back',
    startedBy,
    startedAtMs: nowMs,
    approvals: [],
    heldSinceMs: null,
    factoriesOut: [],
  };
}

/** The bake begins when every reachable device is on the candidate: an empty stage proves nothing by waiting. */
export function startBake(
  progress: Progress,
  ready: { readonly nowMs: number; readonly bakeMs: number; readonly settleMs: number },
): Progress {
  const lookAtMs = ready.nowMs + ready.settleMs + ready.bakeMs;
  return { ...progress, phase: 'baking', bakingSinceMs: ready.nowMs, lookAtMs };
}

/** Keeps since when each breach lasts; a guardrail that recovers starts afresh. */
export function trackBreaches(progress: Progress, breaching: readonly string[], nowMs: number): Progress {
  const breachingSince = Object.fromEntries(breaching.map((id) => [id, progress.breachingSince[id] ?? nowMs]));
  return { ...progress, breachingSince };
}

export function advance(standing: Standing, decision: Decision, context: AdvanceContext): Advance {
  if (decision.refused) return { ...standing, effect: 'none', isTransition: false };
  switch (decision.kind) {
    case 'start':
      return onStart(standing, decision, context);
    case 'approve':
      return onApprove(standing, context);
    case 'promote':
      return onPromote(standing, decision, context);
    case 'complete':
      return onComplete(standing, decision, context);
    case 'extend':
      return onExtend(standing, decision, context);
    case 'rollback':
      return decision.site === undefined
        ? onRollback(standing, decision, context)
        : onFactoryRollback(standing, { ...decision, site: decision.site }, context);
    case 'hold':
    case 'wait':
      return onStay(standing, decision, context);
  }
}

/** The first stage, late: the clocks of the rollout begin now. */
function onStart({ progress }: Standing, decision: Decision, { nowMs }: AdvanceContext): Advance {
  const next = firstProgress(nowMs, decision.reason, progress.startedBy);
  return { state: 'running', progress: next, effect: 'assign', isTransition: true };
}

function onApprove({ state, progress }: Standing, context: AdvanceContext): Advance {
  const { request, nowMs, planHash = '' } = context;
  if (!request) return { state, progress, effect: 'none', isTransition: false };
  const approval = { actor: request.actor, reason: request.reason, atMs: nowMs, planHash };
  const next = { ...progress, approvals: [...progress.approvals, approval] };
  return { state, progress: next, effect: 'none', isTransition: true };
}

function onPromote({ progress }: Standing, decision: Decision, { nowMs }: AdvanceContext): Advance {
  const next: Progress = {
    ...firstProgress(nowMs, decision.reason, progress.startedBy),
    startedAtMs: progress.startedAtMs,
    stageIndex: progress.stageIndex + 1,
    incidentsSinceMs: progress.incidentsSinceMs,
    acknowledgedReverts: progress.acknowledgedReverts,
    factoriesOut: progress.factoriesOut,
    stageTimes: [...closeStage(progress, nowMs), { startedAtMs: nowMs, endedAtMs: null }],
  };
  return { state: 'running', progress: next, effect: 'assign', isTransition: true };
}

function onComplete({ progress }: Standing, decision: Decision, { nowMs }: AdvanceContext): Advance {
  const next: Progress = {
    ...progress,
    phase: 'committing',
    lookAtMs: null,
    holdKind: null,
    heldSinceMs: null,
    reason: decision.reason,
    stageTimes: closeStage(progress, nowMs),
  };
  return { state: 'running', progress: next, effect: 'commit', isTransition: true };
}

function onExtend({ progress }: Standing, decision: Decision, { nowMs, stages }: AdvanceContext): Advance {
  const eachMs = stages[progress.stageIndex]?.extend.eachMs ?? 0;
  const extensionsUsed = progress.extensionsUsed + 1;
  const next = {
    ...progress,
    phase: 'baking' as const,
    lookAtMs: nowMs + eachMs,
    extensionsUsed,
    reason: decision.reason,
  };
  return { state: 'running', progress: next, effect: 'none', isTransition: true };
}

function onRollback({ progress }: Standing, decision: Decision, { nowMs, isAbort }: AdvanceContext): Advance {
  const next: Progress = {
    ...progress,
    lookAtMs: null,
    holdKind: null,
    heldSinceMs: null,
    reason: decision.reason,
    endAs: isAbort ? 'aborted' : 'rolled_back',
    stageTimes: closeStage(progress, nowMs),
  };
  // Ended with devices left as they are: nothing is written.
  return {
    state: decision.to,
    progress: next,
    effect: decision.to === 'aborted' ? 'none' : 'restore',
    isTransition: true,
  };
}

/** Its breaches go with it: the rest is judged afresh. */
function onFactoryRollback(
  { progress }: Standing,
  { site, reason, to, holdKind }: Decision & { readonly site: string },
  { nowMs, assigned = [] }: AdvanceContext,
): Advance {
  const devices = assigned.filter((device) => device.site === site).map(({ device }) => device);
  const out: FactoryOut = { site, atMs: nowMs, reason, devices, restoredAtMs: null, ended: null };
  const next: Progress = {
    ...progress,
    holdKind,
    reason,
    heldSinceMs: nowMs,
    breachingSince: {},
    factoriesOut: [...progress.factoriesOut, out],
  };
  return { state: to, progress: next, effect: 'restore-factory', isTransition: true };
}

function onStay(standing: Standing, decision: Decision, context: AdvanceContext): Advance {
  const { state, progress } = standing;
  // Whoever holds what is held already said something new: it goes on record.
  const isHeldAnew = decision.rule === 'person-hold' && decision.kind === 'hold';
  const isTransition = isHeldAnew || decision.to !== state || decision.holdKind !== progress.holdKind;
  if (!isTransition) return { ...standing, effect: 'none', isTransition };
  const heldSinceMs = decision.to === 'holding' ? context.nowMs : null;
  const moved = { ...progress, holdKind: decision.holdKind, reason: decision.reason, heldSinceMs };
  const next = state === 'holding' && decision.to === 'running' ? resume(progress, moved, context) : moved;
  return { state: decision.to, progress: next, effect: 'none', isTransition };
}

/** After a kill the stage is lived through again; after doubt it gets one more period; otherwise the clock just goes on. */
function resume(before: Progress, moved: Progress, { nowMs, stages, reverted }: AdvanceContext): Progress {
  if (before.holdKind === 'missing-data') return moved;
  // Only a person acknowledges; what lifts by itself changes nothing about reverts.
  const acknowledged = before.holdKind === 'frozen' ? moved : { ...moved, acknowledgedReverts: [...reverted] };
  if (before.holdKind === 'killed')
    return {
      ...acknowledged,
      phase: 'settling',
      stageStartedAtMs: nowMs,
      bakingSinceMs: null,
      lookAtMs: null,
      incidentsSinceMs: nowMs,
    };
  if (before.lookAtMs === null) return acknowledged;
  const stage = stages[before.stageIndex];
  const anotherMs = stage ? stage.extend.eachMs || stage.bake : 0;
  const isDoubt = ['inconclusive', 'guardrail', 'frozen'].includes(before.holdKind ?? '');
  return { ...acknowledged, phase: 'baking', lookAtMs: isDoubt ? nowMs + anotherMs : before.lookAtMs };
}

function closeStage({ stageTimes }: Progress, nowMs: number): Progress['stageTimes'] {
  return stageTimes.map((time) => (time.endedAtMs === null ? { ...time, endedAtMs: nowMs } : time));
}
