// The facts of a decision, put together from what was assessed, what the file says and what a person asks.
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { Plan } from '../../shared/rollout/plan.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import type { Progress } from './advance.ts';
import type { Assessment } from './assess.ts';
import type { DecideFacts, PersonRequest } from './decision.ts';
import { uncoveredPeak } from './peak.ts';
import { closedNow } from './schedule.ts';

export type DecisionSources = {
  readonly nowMs: number;
  readonly state: RolloutState;
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  /** Absent: nothing was approved. */
  readonly plan?: Pick<Plan, 'hash'>;
  readonly progress: Progress;
  readonly assessment: Assessment;
  readonly kill: string | null;
  /** `site/device` → when it told us that it went back by itself. */
  readonly revertedAtMs?: ReadonlyMap<string, number>;
  readonly request: PersonRequest | null;
  /** Rollouts that must end before it begins, in words; null or absent: none. */
  readonly waitsFor?: string | null;
};

export function factsToDecide(sources: DecisionSources): DecideFacts {
  const { nowMs, state, spec, progress, assessment, kill, request } = sources;
  const stage = spec.stages[progress.stageIndex];
  if (!stage) throw new TypeError(`a rollout has no stage ${progress.stageIndex}`);
  return {
    nowMs,
    state,
    phase: progress.phase,
    holdKind: progress.holdKind,
    stage: {
      name: stage.name,
      isLast: progress.stageIndex === spec.stages.length - 1,
      promote: stage.promote,
      judge: stage.judge,
    },
    lookAtMs: progress.lookAtMs,
    extensionsLeft:
      spec.promotion.inconclusive.then === 'hold' ? 0 : Math.max(0, stage.extend.times - progress.extensionsUsed),
    extendMs: stage.extend.eachMs,
    kill,
    reverts: {
      devices: assessment.reverted,
      exposed: assessment.everExposed,
      assigned: assessment.exposure.assigned,
      percent: spec.abort.deviceReverts.percent,
      min: spec.abort.deviceReverts.min,
      recent: recentReverts(sources),
    },
    objectives: objectivesOf(sources, stage.name),
    uncovered:
      stage.mode === 'serve'
        ? uncoveredPeak(spec.schedule, sitesOf(assessment), { fromMs: progress.bakingSinceMs, nowMs })
        : null,
    request,
    verdicts: assessment.verdicts,
    sustained: sustainedBreaches(sources),
    onBreach: spec.abort.onBreach,
    factories: spec.abort.factoryScope ? exposedSites(assessment) : null,
    inconclusive: doubtOf(sources),
    missing: assessment.missing,
    pending: assessment.pending,
    exposed: assessment.exposure.exposed,
    closed: sources.waitsFor ?? closedNow(spec.schedule, sitesOf(assessment), nowMs)?.reason ?? null,
    approvals: { ...approvalsOf(sources, stage.approvals), signoff: stage.signoff },
  };
}

function sitesOf({ standings }: Assessment): readonly string[] {
  return [...new Set(standings.map(({ site }) => site))];
}

function exposedSites({ standings }: Assessment): readonly string[] {
  return [...new Set(standings.filter(({ role }) => role !== 'none').map(({ site }) => site))];
}

/** An approval of another plan counts for nothing. */
function approvalsOf({ plan, progress, spec }: DecisionSources, needed: number): DecideFacts['approvals'] {
  const planHash = plan?.hash ?? '';
  return {
    needed,
    given: progress.approvals.filter((approval) => approval.planHash === planHash),
    approvers: spec.owners.approvers,
    startedBy: progress.startedBy,
    planHash,
  };
}

/** Reverts within the time that the file counts together; one whose time is not known counts. */
function recentReverts({ spec, assessment, revertedAtMs, nowMs }: DecisionSources): readonly string[] {
  const { within } = spec.abort.deviceReverts;
  if (within === null) return assessment.reverted;
  return assessment.reverted.filter((key) => nowMs - (revertedAtMs?.get(key) ?? nowMs) <= within);
}

function objectivesOf({ guardrails }: DecisionSources, stage: string): NonNullable<DecideFacts['objectives']> {
  return guardrails.flatMap(({ id, objective, stages }) =>
    objective && stages?.includes(stage) ? [{ id, with: objective.with }] : [],
  );
}

/** `cv-team (primary) is asked to decide within 8h` */
function askedOf({ owners, promotion }: RolloutSpec): string | null {
  const { page, timeout, onTimeout } = promotion.inconclusive;
  if (page === null) return null;
  const names = [
    ...(page === 'backup' ? [] : [`${owners.primary} (primary)`]),
    ...(page === 'primary' ? [] : [`${owners.backup} (backup)`]),
  ];
  const end =
    timeout === null
      ? ''
      : ` within ${describeDuration(timeout)}${onTimeout === 'rollback' ? ', or it goes back' : ''}`;
  return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} asked to decide${end}`;
}

function doubtOf({ spec, progress, nowMs }: DecisionSources): DecideFacts['inconclusive'] {
  const { afterExtensions, timeout, onTimeout } = spec.promotion.inconclusive;
  const heldMs = progress.heldSinceMs === null ? 0 : nowMs - progress.heldSinceMs;
  return {
    afterExtensions,
    asked: askedOf(spec),
    isTimedOut: onTimeout === 'rollback' && timeout !== null && heldMs >= timeout,
  };
}

/** Breaches that have lasted as long as their guardrail says; a breach without "for" counts at once. */
function sustainedBreaches({ guardrails, progress, nowMs }: DecisionSources): ReadonlySet<string> {
  const forMsOf = (id: string) => guardrails.find((guardrail) => guardrail.id === id)?.forMs ?? 0;
  const lasting = Object.entries(progress.breachingSince).filter(([id, sinceMs]) => nowMs - sinceMs >= forMsOf(id));
  return new Set(lasting.map(([id]) => id));
}
