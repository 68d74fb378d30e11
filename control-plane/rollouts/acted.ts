// What came of a person's verb: whether it may be asked for at all, and whether the decision that was taken is what they asked for.

import type { RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { Decision, PersonRequest } from '../core/decision.ts';
import type { Stale } from '../core/expected.ts';
import type { Rollout } from './rollout-rows.ts';
import type { StepResult } from './step.ts';

export type Acted =
  | { readonly kind: 'done'; readonly reason: string; readonly state: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | Stale
  | { readonly kind: 'not-found' };

/** Why a verb is refused whatever the evidence says; null: it is looked at. */
export function whyNotNow({ state, progress }: Rollout, verb: RolloutVerb): string | null {
  if (ENDED.includes(state)) return `it has ended: ${state}`;
  if (state === 'rolling_back') return 'it is rolling back already';
  if (progress.phase === 'committing' && verb !== 'rollback' && verb !== 'abort')
    return 'every stage is done; it is completing, and may only be rolled back';
  return null;
}

/** What a person gets only by their own rule: another one that says the same has neither their name nor their terms. */
const BY_PERSON: readonly RolloutVerb[] = ['hold', 'resume', 'approve', 'promote'];

const GRANTED: Readonly<Record<RolloutVerb, readonly Decision['kind'][]>> = {
  hold: ['hold'],
  resume: ['wait'],
  approve: ['approve'],
  promote: ['promote', 'complete'],
  rollback: ['rollback'],
  abort: ['rollback'],
};

export function actedOf(result: StepResult, request: PersonRequest): Acted {
  if (result.kind === 'conflict' || result.decision === null)
    return { kind: 'refused', reason: 'it moved at the same moment; look at it again, then decide' };
  const { decision, state } = result;
  const isTheirs = decision.rule.startsWith('person') || !BY_PERSON.includes(request.verb);
  const isGranted = GRANTED[request.verb].includes(decision.kind) && !decision.refused && isTheirs;
  const isResumed = request.verb !== 'resume' || state === 'running';
  return isGranted && isResumed
    ? { kind: 'done', reason: decision.reason, state }
    : { kind: 'refused', reason: decision.reason };
}
