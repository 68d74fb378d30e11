// The cool-down of a candidate after a rollback: how long the rollout that was rolled back asked to leave it alone. The newer
// file has no say in it, or it would be no cool-down.
import { describeDuration } from '../../shared/rollout/durations.ts';
import { readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { Queryable } from '../database/database.ts';

/** Reasons why this digest is not started again now, in words; a person may override them. */
export async function readCooldown(database: Queryable, digest: string, nowMs: number): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('rollouts')
    .select(['id', 'ended_at_ms', 'file_text'])
    .where('candidate_digest', '=', digest)
    .where('state', '=', 'rolled_back')
    .orderBy('ended_at_ms', 'desc')
    .execute();
  return rows.flatMap(({ id, ended_at_ms: endedAtMs, file_text: fileText }) => {
    const read = readRolloutFile(fileText);
    const cooldownMs = read.ok ? read.value.spec.abort.cooldown : 0;
    const leftMs = (endedAtMs ?? nowMs) + cooldownMs - nowMs;
    if (leftMs <= 0) return [];
    return [
      `the candidate was rolled back in rollout ${id}; its cool-down of ${describeDuration(cooldownMs)} ends in ${describeDuration(leftMs)} (start with --override and a reason to go on now)`,
    ];
  });
}
