// Revisions as rows. The words of one are written once; only who has agreed, and where it stands, changes (the database refuses
// the rest). A rollout that was never edited has no row, and its file is revision 1.
import { z } from 'zod';
import { type RevisionHead, revisionChangeSchema, revisionHeadSchema } from '../../shared/protocol/api-revisions.ts';
import { type Plan, planSchema } from '../../shared/rollout/plan.ts';
import type { Queryable } from '../database/database.ts';
import type { Rollout } from './rollout-rows.ts';

export type StoredRevision = RevisionHead & { readonly fileText: string; readonly plan: Plan };

const changesSchema = z.array(revisionChangeSchema);
const approvalsSchema = revisionHeadSchema.shape.approvals;

export async function insertRevision(database: Queryable, rolloutId: string, revision: StoredRevision): Promise<void> {
  await database
    .insertInto('rollout_revisions')
    .values({
      rollout_id: rolloutId,
      number: revision.number,
      base: revision.base,
      at_ms: revision.atMs,
      actor: revision.actor,
      reason: revision.reason,
      file_text: revision.fileText,
      file_hash: revision.fileHash,
      plan: JSON.stringify(revision.plan),
      plan_hash: revision.planHash,
      changes: JSON.stringify(revision.changes),
      state: revision.state,
      approvals: JSON.stringify(revision.approvals),
      settled_at_ms: revision.state === 'proposed' ? null : revision.atMs,
    })
    .execute();
}

/** Oldest first, with the first one also where it has no row. */
export async function listRevisions(database: Queryable, rollout: Rollout): Promise<readonly StoredRevision[]> {
  const rows = await database
    .selectFrom('rollout_revisions')
    .selectAll()
    .where('rollout_id', '=', rollout.id)
    .orderBy('number')
    .execute();
  if (rows.length === 0) return [firstRevision(rollout)];
  return rows.map((row) => ({
    number: row.number,
    state: revisionHeadSchema.shape.state.parse(row.state),
    base: row.base,
    atMs: row.at_ms,
    actor: row.actor,
    reason: row.reason,
    fileText: row.file_text,
    fileHash: row.file_hash,
    plan: planSchema.parse(JSON.parse(row.plan)),
    planHash: row.plan_hash,
    changes: changesSchema.parse(JSON.parse(row.changes)),
    approvals: approvalsSchema.parse(JSON.parse(row.approvals)),
  }));
}

/** Before it is replaced, the file that it was started with gets its row. */
export async function keepFirst(database: Queryable, rollout: Rollout): Promise<void> {
  const [first] = await listRevisions(database, rollout);
  const found = await database
    .selectFrom('rollout_revisions')
    .select('number')
    .where('rollout_id', '=', rollout.id)
    .limit(1)
    .executeTakeFirst();
  if (!found && first) await insertRevision(database, rollout.id, first);
}

function firstRevision({ plan, fileText, fileHash, createdAtMs, progress }: Rollout): StoredRevision {
  const by = { actor: progress.startedBy ?? 'unknown', reason: 'started' };
  const hashes = { fileHash, planHash: plan.hash };
  return {
    number: 1,
    state: 'in-force',
    base: null,
    atMs: createdAtMs,
    ...by,
    fileText,
    plan,
    ...hashes,
    changes: [],
    approvals: [],
  };
}

export async function settleRevision(
  database: Queryable,
  rolloutId: string,
  change: { readonly number: number; readonly state: RevisionHead['state']; readonly nowMs: number },
): Promise<void> {
  await database
    .updateTable('rollout_revisions')
    .set({ state: change.state, settled_at_ms: change.nowMs })
    .where('rollout_id', '=', rolloutId)
    .where('number', '=', change.number)
    .execute();
}

export async function writeApprovals(
  database: Queryable,
  rolloutId: string,
  { number, approvals }: Pick<StoredRevision, 'number' | 'approvals'>,
): Promise<void> {
  await database
    .updateTable('rollout_revisions')
    .set({ approvals: JSON.stringify(approvals) })
    .where('rollout_id', '=', rolloutId)
    .where('number', '=', number)
    .execute();
}
