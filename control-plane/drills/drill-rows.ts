// Drills as stored. Single-table reads and writes; no decisions.
import { type Drill, type DrillResult, drillSchema } from '../../shared/protocol/api-drills.ts';
import type { Database, Queryable } from '../database/database.ts';
import type { DrillTables } from '../database/schema-drills.ts';

export type DrillRow = DrillTables['drills'];

export async function insertDrill(database: Queryable, row: DrillRow): Promise<void> {
  await database.insertInto('drills').values(row).execute();
}

export async function countDrills(database: Queryable): Promise<number> {
  const { count } = await database
    .selectFrom('drills')
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

export type DrillPage = {
  /** The last one of the page before. */
  readonly after: Pick<Drill, 'id' | 'startedAtMs'> | null;
  /** At most so many. */
  readonly limit: number;
};

/** Newest first. */
export async function listDrillRows(database: Queryable, { after, limit }: DrillPage): Promise<readonly DrillRow[]> {
  let rows = database.selectFrom('drills').selectAll().orderBy('started_at_ms', 'desc').orderBy('id').limit(limit);
  if (after !== null)
    rows = rows.where(({ or, and, eb }) =>
      or([
        eb('started_at_ms', '<', after.startedAtMs),
        and([eb('started_at_ms', '=', after.startedAtMs), eb('id', '>', after.id)]),
      ]),
    );
  return rows.execute();
}

export async function listRunning(database: Queryable): Promise<readonly DrillRow[]> {
  return database.selectFrom('drills').selectAll().where('state', '=', 'running').execute();
}

export async function findDrill(database: Queryable, id: string): Promise<DrillRow | null> {
  return (await database.selectFrom('drills').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** False when it has ended already. */
export async function endDrill(
  database: Queryable,
  id: string,
  ended: { readonly atMs: number; readonly result: DrillResult },
): Promise<boolean> {
  const { atMs, result } = ended;
  const done = await database
    .updateTable('drills')
    .set({ state: result.passed ? 'passed' : 'failed', ended_at_ms: atMs, result: JSON.stringify(result) })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return done.numUpdatedRows === 1n;
}

export type StoredScope = {
  readonly simulated?: { readonly devices: number; readonly seed: number };
  readonly agents?: { readonly site: string; readonly devices: readonly string[] };
};

export function scopeOf({ scope }: DrillRow): StoredScope {
  return JSON.parse(scope) as StoredScope;
}

export async function toDrill(database: Database, row: DrillRow): Promise<Drill> {
  const { simulated, agents } = scopeOf(row);
  return drillSchema.parse({
    id: row.id,
    failure: row.failure,
    mode: row.mode,
    state: row.state,
    actor: row.actor,
    reason: row.reason,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    scope: simulated
      ? `${simulated.devices} simulated devices, seed ${simulated.seed}`
      : `${agents?.site}: ${agents?.devices.join(', ')}`,
    rolloutId: row.candidate_digest === null ? null : await rolloutIdOf(database, row.candidate_digest),
    result: row.result === null ? null : JSON.parse(row.result),
  });
}

async function rolloutIdOf(database: Queryable, digest: string): Promise<string | null> {
  const row = await database
    .selectFrom('rollouts')
    .select('id')
    .where('candidate_digest', '=', digest)
    .executeTakeFirst();
  return row?.id ?? null;
}
