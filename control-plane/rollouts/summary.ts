// One line about a rollout, and what it is made from: neither the plan of every device nor what the newest look saw of each.

import type { RolloutSummary } from '../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { Plan } from '../../shared/rollout/plan.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { coveringKill, type KillFacts } from '../core/kill-cover.ts';
import { type Closed, closedNow } from '../core/schedule.ts';
import type { Rollout } from './rollout-rows.ts';

type Kept = 'id' | 'name' | 'state' | 'candidate' | 'createdAtMs' | 'endedAtMs' | 'fileText' | 'fileHash' | 'progress';

export type PlanFacts = { readonly owner: string; readonly sites: readonly string[] };

export type RolloutHead = Pick<Rollout, Kept> &
  PlanFacts & {
    /** Of the newest look; `seenAtMs` 0: nothing has looked yet. */
    readonly status: string;
    readonly seenAtMs: number;
  };

export type Summarised = {
  readonly head: RolloutHead;
  /** The kill in force that covers it, in words. */
  readonly kill: string | null;
  /** Null: its stored file can no longer be read. */
  readonly spec: RolloutSpec | null;
  readonly nowMs: number;
};

export function headOf({ plan, latest, ...rollout }: Rollout): RolloutHead {
  return { ...rollout, ...planFactsOf(plan), status: latest.status, seenAtMs: latest.atMs };
}

export function planFactsOf({ owners, devices }: Plan): PlanFacts {
  return { owner: owners.primary, sites: [...new Set(devices.map(({ site }) => site))] };
}

/** The kill in force that covers it, in words. */
export function killOfHead(
  kills: readonly KillFacts[],
  { id, candidate, sites, endedAtMs }: RolloutHead,
): string | null {
  return coveringKill(kills, { rolloutId: id, candidateDigest: candidate.digest, sites, endedAtMs });
}

export function summarise({ head, spec, kill, nowMs }: Summarised): RolloutSummary {
  const { progress, state } = head;
  const stages = spec?.stages ?? [];
  const hasEnded = ENDED.includes(state);
  const isUnseen = state === 'scheduled' && head.seenAtMs === 0;
  return {
    id: head.id,
    name: head.name,
    state,
    phase: hasEnded || state === 'rolling_back' || state === 'scheduled' ? null : progress.phase,
    killed: kill,
    candidate: head.candidate,
    status: hasEnded ? endedStatus(head) : isUnseen ? 'not started: waits for its window' : head.status,
    stage: stages[progress.stageIndex]?.name ?? '',
    stageIndex: progress.stageIndex,
    stageCount: stages.length,
    createdAtMs: head.createdAtMs,
    endedAtMs: head.endedAtMs,
    owner: head.owner,
    sites: [...head.sites],
    nextDecisionAtMs: nextDecision(head, closedOf({ head, spec, nowMs })),
  };
}

/** What has ended, or goes back, waits for no window. */
export function closedOf({ head, spec, nowMs }: Pick<Summarised, 'head' | 'spec' | 'nowMs'>): Closed | null {
  if (spec === null || ENDED.includes(head.state) || head.state === 'rolling_back') return null;
  return closedNow(spec.schedule, [...head.sites], nowMs);
}

function nextDecision({ state, progress }: RolloutHead, closed: Closed | null): number | null {
  if (state === 'scheduled') return closed?.opensAtMs ?? null;
  if (state !== 'running' || progress.lookAtMs === null) return null;
  return Math.max(progress.lookAtMs, closed?.opensAtMs ?? 0);
}

function endedStatus({ state, progress }: RolloutHead): string {
  if (state === 'completed') return `completed: ${progress.reason}`;
  const words = { rolled_back: 'rolled back', superseded: 'superseded' };
  return `${state === 'rolled_back' || state === 'superseded' ? words[state] : 'ended'}: ${progress.reason}`;
}
