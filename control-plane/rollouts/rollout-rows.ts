// The rollout as stored: rows in, typed values out. Every transition is a compare-and-set on the version.

import type { Selectable } from 'kysely';
import type { RolloutState } from '../../shared/protocol/api-rollouts.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import { type Plan, planSchema } from '../../shared/rollout/plan.ts';
import { PROGRESS_BEFORE, type Progress } from '../core/advance.ts';
import type { Queryable } from '../database/database.ts';
import type { Schema } from '../database/schema.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from './snapshot.ts';

export type Rollout = {
  readonly id: string;
  readonly name: string;
  readonly state: RolloutState;
  readonly version: number;
  readonly candidate: ReleaseRef;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
  readonly fileText: string;
  readonly fileHash: string;
  /** Of the file: 1 is the one it was started with. */
  readonly revision: number;
  readonly plan: Plan;
  readonly progress: Progress;
  readonly latest: Snapshot;
};

export async function insertRollout(database: Queryable, rollout: Omit<Rollout, 'latest'>): Promise<void> {
  await database
    .insertInto('rollouts')
    .values({
      id: rollout.id,
      name: rollout.name,
      state: rollout.state,
      version: rollout.version,
      candidate_release: rollout.candidate.release,
      candidate_digest: rollout.candidate.digest,
      created_at_ms: rollout.createdAtMs,
      ended_at_ms: rollout.endedAtMs,
      file_text: rollout.fileText,
      file_hash: rollout.fileHash,
      revision: rollout.revision,
      plan: JSON.stringify(rollout.plan),
      plan_hash: rollout.plan.hash,
      progress: JSON.stringify(rollout.progress),
      latest: JSON.stringify(EMPTY_SNAPSHOT),
    })
    .execute();
}

export async function listRollouts(database: Queryable): Promise<readonly Rollout[]> {
  const rows = await database
    .selectFrom('rollouts')
    .selectAll()
    .orderBy('created_at_ms', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(toRollout);
}

export async function listActive(database: Queryable): Promise<readonly Rollout[]> {
  const rows = await database
    .selectFrom('rollouts')
    .selectAll()
    .where('state', 'not in', ENDED)
    .orderBy('id')
    .execute();
  return rows.map(toRollout);
}

/** By id, or the newest of that name. */
export async function findRollout(database: Queryable, idOrName: string): Promise<Rollout | null> {
  const row = await database
    .selectFrom('rollouts')
    .selectAll()
    .where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
    .orderBy((order) => order.case().when('id', '=', idOrName).then(0).else(1).end())
    .orderBy('created_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? toRollout(row) : null;
}

export async function countRollouts(database: Queryable): Promise<number> {
  const row = await database
    .selectFrom('rollouts')
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

export type Transition = Pick<Rollout, 'state' | 'progress' | 'endedAtMs'>;

/** False when somebody else moved it since it was read: nothing was written, the next tick reads afresh. */
export async function compareAndSet(
  database: Queryable,
  read: Pick<Rollout, 'id' | 'version'>,
  to: Transition,
): Promise<boolean> {
  const result = await database
    .updateTable('rollouts')
    .set({
      state: to.state,
      progress: JSON.stringify(to.progress),
      ended_at_ms: to.endedAtMs,
      version: read.version + 1,
    })
    .where('id', '=', read.id)
    .where('version', '=', read.version)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Other words from now on; in the transaction of the compare-and-set that this belongs to. */
export async function setFile(
  database: Queryable,
  { id, revision, fileText, fileHash, plan }: Pick<Rollout, 'id' | 'revision' | 'fileText' | 'fileHash' | 'plan'>,
): Promise<void> {
  await database
    .updateTable('rollouts')
    .set({ revision, file_text: fileText, file_hash: fileHash, plan: JSON.stringify(plan), plan_hash: plan.hash })
    .where('id', '=', id)
    .execute();
}

/** What a tick saw; shown, never decided from, so it needs no new version. */
export async function saveSnapshot(database: Queryable, id: string, latest: Snapshot): Promise<void> {
  await database
    .updateTable('rollouts')
    .set({ latest: JSON.stringify(latest) })
    .where('id', '=', id)
    .execute();
}

function toRollout(row: Selectable<Schema['rollouts']>): Rollout {
  return {
    id: row.id,
    name: row.name,
    state: row.state as RolloutState,
    version: row.version,
    candidate: { release: row.candidate_release, digest: row.candidate_digest },
    createdAtMs: row.created_at_ms,
    endedAtMs: row.ended_at_ms,
    fileText: row.file_text,
    fileHash: row.file_hash,
    revision: row.revision,
    plan: planSchema.parse(JSON.parse(row.plan)),
    progress: toProgress(row.progress),
    latest: JSON.parse(row.latest) as Snapshot,
  };
}

export function toProgress(stored: string): Progress {
  return { ...PROGRESS_BEFORE, ...(JSON.parse(stored) as Progress) };
}
