// Rollouts that make way for one that is started in their place: looked up and decided on before anything is written, written with
// the start in one transaction.
import { BelayError } from '../../shared/basics/errors.ts';
import { type Superseded, type Superseding, supersede } from '../core/supersede.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import { readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { readSpec } from './read-spec.ts';
import { recordIn } from './record.ts';
import { findRollout, type Rollout } from './rollout-rows.ts';
import type { TransitionPlan } from './transition-plan.ts';

export type MakingWay = {
  /** What is written of each that moves. */
  readonly transitions: readonly TransitionPlan[];
  /** Those whose devices must be back before the new one begins. */
  readonly waitsFor: readonly string[];
  readonly refusals: readonly string[];
};

export async function makeWay(
  parts: RolloutParts,
  ids: readonly string[],
  { candidateDigest, ...superseding }: Superseding & { readonly candidateDigest: string },
): Promise<MakingWay> {
  const transitions: TransitionPlan[] = [];
  const [waitsFor, refusals]: [string[], string[]] = [[], []];
  for (const id of ids) {
    const rollout = await findRollout(parts.database, id);
    if (rollout === null) continue;
    const found = whatBecomes(rollout, candidateDigest, superseding);
    if (found.kind === 'refused') refusals.push(`rollout ${id} cannot be superseded: ${found.reason}`);
    else if (found.kind === 'waits' || found.advance.state === 'rolling_back') waitsFor.push(id);
    if (found.kind === 'moves') transitions.push(await transitionOf(parts, rollout, { ...found, superseding }));
  }
  return { transitions, waitsFor, refusals };
}

function whatBecomes(rollout: Rollout, candidateDigest: string, superseding: Superseding): Superseded {
  if (rollout.candidate.digest === candidateDigest)
    return {
      kind: 'refused',
      reason: `it rolls out the same candidate; change it instead: belay rollout edit ${rollout.id}`,
    };
  return supersede(rollout, superseding);
}

type Moves = Extract<Superseded, { readonly kind: 'moves' }> & { readonly superseding: Superseding };

async function transitionOf(
  parts: RolloutParts,
  rollout: Rollout,
  { decision, advance, superseding }: Moves,
): Promise<TransitionPlan> {
  const { spec } = await readSpec(parts, rollout);
  const { state, progress, effect } = advance;
  return {
    rollout,
    spec,
    ledger: await readLedger(parts.database, rollout.id, rollout.plan),
    state,
    progress,
    effect,
    decision: { ...decision, actor: superseding.actor, inputs: { by: superseding.by } },
    nowMs: superseding.nowMs,
  };
}

/** Somebody moved it since it was read; nothing was written. */
export class MovedMeanwhile extends BelayError {
  constructor(rolloutId: string) {
    super(
      'rollout-moved',
      `starting in place of rollout ${rolloutId}: it moved at the same moment; look at it again, then start`,
    );
  }
}

export async function recordMakingWay(
  parts: RolloutParts,
  transaction: DatabaseTransaction,
  { transitions }: Pick<MakingWay, 'transitions'>,
): Promise<void> {
  for (const transition of transitions)
    if (!(await recordIn(parts, transaction, transition))) throw new MovedMeanwhile(transition.rollout.id);
}
