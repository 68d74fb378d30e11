// What becomes of a rollout when another candidate of the same model is started in its place: its devices go back first, so that the
// baseline of the new one is what they ran before both.
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import { type Advance, advance, type Standing } from './advance.ts';
import type { Decision } from './decision.ts';

export type Superseding = {
  /** The rollout that takes its place, and who starts it why. */
  readonly by: string;
  readonly actor: string;
  readonly reason: string;
  readonly nowMs: number;
};

export type Superseded =
  | { readonly kind: 'moves'; readonly decision: Decision; readonly advance: Advance }
  /** It goes back already, for a reason of its own, and keeps it. */
  | { readonly kind: 'waits' }
  | { readonly kind: 'refused'; readonly reason: string };

/** By where it stands. */
export const SUPERSEDES: Readonly<Record<RolloutState, 'ends' | 'goes-back' | 'waits' | 'over'>> = {
  draft: 'ends',
  scheduled: 'ends',
  running: 'goes-back',
  holding: 'goes-back',
  awaiting_approval: 'goes-back',
  rolling_back: 'waits',
  rolled_back: 'over',
  completed: 'over',
  aborted: 'over',
  superseded: 'over',
};

export function supersede(standing: Standing, { by, actor, reason, nowMs }: Superseding): Superseded {
  const way = SUPERSEDES[standing.state];
  if (way === 'waits') return { kind: 'waits' };
  if (way === 'over') return { kind: 'refused', reason: `it has ended: ${standing.state}` };
  if (standing.progress.phase === 'committing')
    return { kind: 'refused', reason: 'every stage is done and it is completing: wait for it, or roll it back' };
  const decision: Decision = {
    kind: 'rollback',
    rule: 'person-supersede',
    reason: `${actor} started ${by} in its place: ${reason}`,
    to: way === 'ends' ? 'superseded' : 'rolling_back',
    holdKind: null,
  };
  const next = advance(standing, decision, { nowMs, stages: [], isAbort: false, reverted: [] });
  const progress = { ...next.progress, endAs: 'superseded' as const };
  // Nobody has been told of it yet.
  return { kind: 'moves', decision, advance: { ...next, progress, effect: way === 'ends' ? 'none' : next.effect } };
}
