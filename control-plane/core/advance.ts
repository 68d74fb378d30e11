// What a decision makes of a rollout: the next state and progress, and which desired documents must be written.
import type { RolloutPhase, RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Decision, HoldKind } from './decide.ts';

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
  readonly endAs: 'rolled_back' | 'aborted';
  /** When every reachable device first reported its own release answering again; from then on the rollback is verified. */
  readonly restoredAtMs?: number;
};

export type Standing = { readonly state: RolloutState; readonly progress: Progress };

/** Which desired documents a transition writes. */
export type Effect = 'none' | 'assign' | 'restore' | 'commit';

export type Advance = Standing & { readonly effect: Effect; readonly isTransition: boolean };

export type AdvanceContext = {
  readonly nowMs: number;
  readonly stages: readonly StageSpec[];
  readonly isAbort: boolean;
  readonly reverted: readonly string[];
};

export function firstProgress(nowMs: number, reason: string): Progress {
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
    case 'promote':
      return onPromote(standing, decision, context);
    case 'complete':
      return onComplete(standing, decision, context);
    case 'extend':
      return onExtend(standing, decision, context);
    case 'rollback':
      return onRollback(standing, decision, context);
    case 'hold':
    case 'wait':
      return onStay(standing, decision, context);
  }
}

function onPromote({ progress }: Standing, decision: Decision, { nowMs }: AdvanceContext): Advance {
  const next: Progress = {
    ...firstProgress(nowMs, decision.reason),
    stageIndex: progress.stageIndex + 1,
    incidentsSinceMs: progress.incidentsSinceMs,
    acknowledgedReverts: progress.acknowledgedReverts,
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

function onStay(standing: Standing, decision: Decision, context: AdvanceContext): Advance {
  const { state, progress } = standing;
  const isTransition = decision.to !== state || decision.holdKind !== progress.holdKind;
  if (!isTransition) return { ...standing, effect: 'none', isTransition };
  const moved = { ...progress, holdKind: decision.holdKind, reason: decision.reason };
  const next = state === 'holding' && decision.to === 'running' ? resume(progress, moved, context) : moved;
  return { state: decision.to, progress: next, effect: 'none', isTransition };
}

/** After a kill the stage is lived through again; after doubt it gets one more period; otherwise the clock just goes on. */
function resume(before: Progress, moved: Progress, { nowMs, stages, reverted }: AdvanceContext): Progress {
  if (before.holdKind === 'missing-data') return moved;
  const acknowledged = { ...moved, acknowledgedReverts: [...reverted] };
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
  const isDoubt = before.holdKind === 'inconclusive' || before.holdKind === 'guardrail';
  return { ...acknowledged, phase: 'baking', lookAtMs: isDoubt ? nowMs + anotherMs : before.lookAtMs };
}

function closeStage({ stageTimes }: Progress, nowMs: number): Progress['stageTimes'] {
  return stageTimes.map((time) => (time.endedAtMs === null ? { ...time, endedAtMs: nowMs } : time));
}
