// What the end of a rollout leaves in the registry: the candidate's state, a line in its changelog, and baselines that are kept.
import { isOut } from '../core/factory-scope.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import { type OutcomeFacts, outcomeText } from './outcome-text.ts';
import type { RolloutParts } from './parts.ts';
import type { TransitionPlan } from './transition-plan.ts';

/** Nothing while it goes on. */
export async function noteInRegistry(
  parts: RolloutParts,
  transaction: DatabaseTransaction,
  plan: TransitionPlan,
): Promise<void> {
  const { rollout, state, decision } = plan;
  if (state !== 'completed' && state !== 'rolled_back' && state !== 'aborted' && state !== 'superseded') return;
  const note = { actor: decision.actor, rolloutId: rollout.id };
  const text = outcomeOf(plan, state);
  if (state === 'completed') {
    if (plan.spec.after.conclude === 'markStable')
      await parts.registry.markState(transaction, rollout.candidate.digest, {
        state: 'stable',
        actor: decision.actor,
        reason: `rollout ${rollout.id} completed`,
      });
    await parts.registry.addNote(transaction, rollout.candidate.digest, { ...note, kind: 'completed', text });
    for (const { digest } of rollout.plan.baselines) {
      await retain(transaction, plan, digest);
      await parts.registry.addNote(transaction, digest, {
        ...note,
        kind: 'superseded',
        text: `superseded by ${rollout.candidate.release} in rollout ${rollout.id}; ${keptText(plan)}`,
      });
    }
    return;
  }
  const kind = state === 'rolled_back' ? 'rolled-back' : state;
  await parts.registry.markState(transaction, rollout.candidate.digest, {
    state: 'registered',
    actor: decision.actor,
    reason: `rollout ${rollout.id} ${kind}`,
  });
  await parts.registry.addNote(transaction, rollout.candidate.digest, {
    ...note,
    kind,
    text,
  });
}

/** Nobody archives the way back while it may be needed. */
async function retain(
  transaction: DatabaseTransaction,
  { rollout, spec, nowMs }: TransitionPlan,
  digest: string,
): Promise<void> {
  const { retainBaseline } = spec.after;
  if (retainBaseline === 0) return;
  await transaction
    .insertInto('release_retained')
    .values({ digest, rollout_id: rollout.id, until_ms: nowMs + retainBaseline })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function keptText({ spec, nowMs }: TransitionPlan): string {
  const { retainBaseline } = spec.after;
  if (retainBaseline === 0) return 'kept as the fallback';
  return `kept as the fallback until ${new Date(nowMs + retainBaseline).toISOString()}`;
}

function outcomeOf(
  { rollout, spec, ledger, progress, decision, verification, nowMs }: TransitionPlan,
  state: OutcomeFacts['state'],
): string {
  return outcomeText({
    factoriesOut: progress.factoriesOut.map(({ site }) => site),
    rolloutId: rollout.id,
    state,
    stage: spec.stages[rollout.progress.stageIndex]?.name ?? '',
    tookMs: nowMs - rollout.createdAtMs,
    // The end of a rollback only counts devices; why it went back is the reason before.
    reason: rollout.state === 'rolling_back' ? rollout.progress.reason : decision.reason,
    devices: ledger.filter((row) => !isOut(progress.factoriesOut, row)),
    verdicts: rollout.latest.verdicts,
    verification: verification ?? null,
  });
}
