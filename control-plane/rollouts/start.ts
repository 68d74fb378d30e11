// Starts a rollout: plans it afresh, and when nothing stands in the way writes it, its ledger and the first stage at once.
import type { Plan } from '../../shared/rollout/plan.ts';
import type { FileProblem } from '../../shared/rollout/read-rollout-file.ts';
import { firstProgress } from '../core/advance.ts';
import { insertDecision } from './decisions.ts';
import { hashText } from './hashes.ts';
import { insertLedger, readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { planRollout } from './planner.ts';
import { applyEffect } from './record.ts';
import { insertRollout, type Rollout } from './rollout-rows.ts';
import { EMPTY_SNAPSHOT } from './snapshot.ts';

export type Started =
  | { readonly kind: 'started'; readonly id: string; readonly plan: Plan }
  /** The file has mistakes. */
  | { readonly kind: 'invalid'; readonly problems: readonly FileProblem[] }
  /** The file is fine, and something stands in the way. */
  | { readonly kind: 'refused'; readonly reasons: readonly string[]; readonly plan: Plan };

export async function startRollout(
  parts: RolloutParts,
  input: { readonly file: string; readonly actor: string; readonly reason: string },
): Promise<Started> {
  const planned = await planRollout(parts, input.file);
  if (planned.kind === 'refused') return { kind: 'invalid', problems: planned.problems };
  const { plan, file, rolloutId: id } = planned;
  if (plan.refusals.length > 0) return { kind: 'refused', reasons: plan.refusals, plan };
  const nowMs = parts.wallNow();
  const rollout: Rollout = {
    id,
    name: plan.name,
    state: 'running',
    version: 1,
    candidate: { release: plan.candidate.release, digest: plan.candidate.digest },
    createdAtMs: nowMs,
    endedAtMs: null,
    fileText: input.file,
    fileHash: hashText(input.file),
    plan,
    progress: firstProgress(nowMs, input.reason),
    latest: EMPTY_SNAPSHOT,
  };
  await parts.database.transaction().execute(async (transaction) => {
    await insertRollout(transaction, rollout);
    await insertLedger(transaction, id, plan, nowMs);
    await insertDecision(transaction, {
      rolloutId: id,
      atMs: nowMs,
      kind: 'start',
      rule: 'person-start',
      actor: input.actor,
      reason: input.reason,
      fromState: 'draft',
      toState: 'running',
      stage: file.spec.stages[0]?.name ?? '',
      fileHash: rollout.fileHash,
      inputs: { plan },
    });
    await parts.audit.append(transaction, {
      actor: input.actor,
      action: 'rollout-start',
      subject: `rollout/${id}`,
      reason: input.reason,
      details: { candidate: rollout.candidate, fileHash: rollout.fileHash, planHash: plan.hash },
    });
    await applyEffect(transaction, {
      rollout,
      spec: file.spec,
      ledger: await readLedger(transaction, id, plan),
      state: 'running',
      progress: rollout.progress,
      effect: 'assign',
      decision: { kind: 'start', rule: 'person-start', actor: input.actor, reason: input.reason, inputs: null },
      nowMs,
    });
    await parts.registry.markState(transaction, rollout.candidate.digest, {
      state: 'candidate',
      actor: input.actor,
      reason: `rollout ${id} started: ${input.reason}`,
    });
  });
  parts.log.info(
    { rolloutId: id, candidate: rollout.candidate.release, devices: plan.devices.length, reason: input.reason },
    'rollout started',
  );
  return { kind: 'started', id, plan };
}
