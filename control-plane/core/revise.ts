// Whether a change of a running rollout comes into force, waits for others, or is refused; and what it does to the clocks. A
// revision never moves a rollout: stage, state and devices stay, and the next look judges by the new words.
import type { RolloutPhase, RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { RevisionChange } from '../../shared/rollout/compare-revisions.ts';
import type { RolloutSpec, StageSpec } from '../../shared/rollout/rollout-file.ts';
import type { Progress } from './advance.ts';
import type { Approval } from './decision.ts';
import { whyNotBy } from './growth.ts';

export type ReviseFacts = {
  readonly state: RolloutState;
  readonly phase: RolloutPhase;
  /** The revision in force, and the one that the change was made from. */
  readonly revision: number;
  readonly base: number;
  readonly changes: readonly RevisionChange[];
  /** Of the file in force: whoever is asked now decides, not whoever the change would ask. */
  readonly approvers: readonly string[];
  readonly needed: number;
  readonly actor: string;
};

export type ReviseDecision =
  | { readonly kind: 'in-force' | 'propose'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** A rollout that goes back, completes or has ended follows the words that it had. */
export function whyNotRevised({ state, phase, revision, base }: Omit<ReviseFacts, 'changes'>): string | null {
  if (!['scheduled', 'running', 'holding', 'awaiting_approval'].includes(state))
    return `it is ${state.replace('_', ' ')}: nothing is changed any more`;
  if (phase === 'committing') return 'every stage is done; it is completing, and may only be rolled back';
  if (base !== revision)
    return `revision ${revision} is in force by now, and this was made from revision ${base}: look at it again`;
  return null;
}

export function decideRevision(facts: ReviseFacts): ReviseDecision {
  const { changes, actor, approvers, needed } = facts;
  const refusal = whyNotRevised(facts);
  if (refusal !== null) return { kind: 'refused', reason: refusal };
  const forbidden = changes.filter(({ kind }) => kind === 'forbidden');
  if (forbidden.length > 0) return { kind: 'refused', reason: sentences(forbidden) };
  if (changes.length === 0) return { kind: 'refused', reason: 'it says the same as the file in force' };
  const looser = changes.filter(({ kind }) => kind === 'loosen');
  if (looser.length === 0) return { kind: 'in-force', reason: sentences(changes) };
  const others = approvers.filter((approver) => approver !== actor).length;
  if (approvers.length > 0 && others < needed)
    return {
      kind: 'refused',
      reason: `it needs ${needed} approval${needed === 1 ? '' : 's'} of others than ${actor}, and owners.approvers has ${others}: ${sentences(looser)}`,
    };
  return { kind: 'propose', reason: sentences(looser) };
}

/** As many as the most careful stage asks for, and at least one. */
export function approvalsToLoosen({ stages }: Pick<RolloutSpec, 'stages'>): number {
  return Math.max(1, ...stages.map(({ approvals }) => approvals));
}

export type AgreeFacts = ReviseFacts & {
  readonly number: number;
  readonly planHash: string;
  /** What the approver has seen. */
  readonly seenHash: string;
  readonly proposedBy: string;
  readonly given: readonly Pick<Approval, 'actor' | 'reason' | 'atMs'>[];
};

/** `agreed`: one more yes, and others are still missing. */
export type AgreeDecision =
  | { readonly kind: 'in-force' | 'agreed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Everything is looked at again: what was harmless when it was asked for may not be so in the stage of today. */
export function decideAgreement(facts: AgreeFacts): AgreeDecision {
  const { actor, number, given, needed, approvers, proposedBy } = facts;
  const again = decideRevision({ ...facts, actor: proposedBy });
  if (again.kind === 'refused') return { kind: 'refused', reason: again.reason };
  if (facts.seenHash !== facts.planHash)
    return { kind: 'refused', reason: 'the plan is not the one that was approved: look at it again' };
  const approving = {
    startedBy: proposedBy,
    approvers,
    given: given.map((one) => ({ ...one, planHash: facts.planHash })),
  };
  const why = whyNotBy(actor, approving, { did: 'asked for it', what: `revision ${number}` });
  if (why !== null) return { kind: 'refused', reason: why };
  const count = given.length + 1;
  const isEnough = count >= needed;
  return {
    kind: isEnough ? 'in-force' : 'agreed',
    reason: `revision ${number}, ${count} of ${needed} approvals: ${again.reason}`,
  };
}

/** A bake that became longer or shorter moves the look of the stage that it is in; never into the past. */
export function reviseProgress(
  progress: Progress,
  {
    before,
    after,
    nowMs,
  }: { readonly before: readonly StageSpec[]; readonly after: readonly StageSpec[]; readonly nowMs: number },
): Progress {
  const [old, now] = [before[progress.stageIndex], after[progress.stageIndex]];
  if (progress.lookAtMs === null || progress.extensionsUsed > 0 || !old || !now || old.bake === now.bake)
    return progress;
  const lookAtMs = Math.max(nowMs, progress.lookAtMs + now.bake - old.bake);
  return { ...progress, lookAtMs, phase: lookAtMs > nowMs ? 'baking' : progress.phase };
}

function sentences(changes: readonly RevisionChange[]): string {
  return changes.map(({ sentence }) => sentence).join('; ');
}
