// Decisions as rows: written once, with everything they were taken from, never changed (the database refuses).
import type { RolloutDecision } from '../../shared/protocol/api-rollouts.ts';
import { STATISTICS_VERSION } from '../core/judge.ts';
import type { Queryable } from '../database/database.ts';

export type DecisionRecord = {
  readonly rolloutId: string;
  readonly atMs: number;
  readonly kind: string;
  readonly rule: string;
  readonly actor: string;
  readonly reason: string;
  readonly fromState: string;
  readonly toState: string;
  readonly stage: string;
  readonly fileHash: string;
  readonly revision: number;
  /** Facts, exposure, evidence: JSON. */
  readonly inputs: unknown;
};

/** The seq it got. */
export async function insertDecision(database: Queryable, record: DecisionRecord): Promise<number> {
  const last = await database
    .selectFrom('rollout_decisions')
    .select('seq')
    .where('rollout_id', '=', record.rolloutId)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const seq = (last?.seq ?? 0) + 1;
  await database
    .insertInto('rollout_decisions')
    .values({
      rollout_id: record.rolloutId,
      seq,
      at_ms: record.atMs,
      kind: record.kind,
      rule: record.rule,
      actor: record.actor,
      reason: record.reason,
      from_state: record.fromState,
      to_state: record.toState,
      stage: record.stage,
      statistics_version: STATISTICS_VERSION,
      file_hash: record.fileHash,
      revision: record.revision,
      inputs: JSON.stringify(record.inputs),
    })
    .execute();
  return seq;
}

/** Newest first. */
export async function listDecisions(database: Queryable, rolloutId: string, limit: number): Promise<RolloutDecision[]> {
  const rows = await database
    .selectFrom('rollout_decisions')
    .select(['seq', 'at_ms', 'kind', 'rule', 'actor', 'reason', 'from_state', 'to_state', 'stage', 'revision'])
    .where('rollout_id', '=', rolloutId)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    seq: row.seq,
    atMs: row.at_ms,
    kind: row.kind,
    rule: row.rule,
    actor: row.actor,
    reason: row.reason,
    fromState: row.from_state,
    toState: row.to_state,
    stage: row.stage,
    revision: row.revision,
  }));
}
