// Incidents and their notes as rows. Single-table reads and writes; no decisions.
import type { Queryable } from '../database/database.ts';
import type { Schema } from '../database/schema.ts';

export type IncidentRow = Schema['incidents'];

export async function insertIncident(database: Queryable, row: IncidentRow): Promise<void> {
  await database.insertInto('incidents').values(row).execute();
}

export async function updateIncident(
  database: Queryable,
  id: string,
  change: Partial<Omit<IncidentRow, 'id' | 'rollout_id' | 'opened_at_ms' | 'opened_seq'>>,
): Promise<void> {
  await database.updateTable('incidents').set(change).where('id', '=', id).execute();
}

/** The one incident of a rollout that has not been closed. */
export async function openIncidentOf(database: Queryable, rolloutId: string): Promise<IncidentRow | null> {
  const row = await database
    .selectFrom('incidents')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .where('closed_at_ms', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/** The last one of the page before. */
export type IncidentPlace = { readonly openedAtMs: number; readonly openedSeq: number; readonly id: string };

export type IncidentQuery = {
  readonly rolloutId: string | null;
  readonly after: IncidentPlace | null;
  readonly limit: number;
};

/** Newest first; of one rollout, or of all. */
export async function listIncidents(
  database: Queryable,
  { rolloutId, after, limit }: IncidentQuery,
): Promise<readonly IncidentRow[]> {
  let rows = database
    .selectFrom('incidents')
    .selectAll()
    .orderBy('opened_at_ms', 'desc')
    .orderBy('opened_seq', 'desc')
    .orderBy('id')
    .limit(limit);
  if (rolloutId !== null) rows = rows.where('rollout_id', '=', rolloutId);
  if (after !== null)
    rows = rows.where(({ or, and, eb }) => {
      const isSameTime = eb('opened_at_ms', '=', after.openedAtMs);
      return or([
        eb('opened_at_ms', '<', after.openedAtMs),
        and([isSameTime, eb('opened_seq', '<', after.openedSeq)]),
        and([isSameTime, eb('opened_seq', '=', after.openedSeq), eb('id', '>', after.id)]),
      ]);
    });
  return rows.execute();
}

/** By its id, or the newest of that rollout. */
export async function findIncident(database: Queryable, id: string): Promise<IncidentRow | null> {
  const row = await database
    .selectFrom('incidents')
    .selectAll()
    .where((where) => where.or([where('id', '=', id), where('rollout_id', '=', id)]))
    .orderBy('opened_at_ms', 'desc')
    .orderBy('opened_seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** Those whose figures have not been taken yet. */
export function listUnmeasured(database: Queryable): Promise<readonly IncidentRow[]> {
  return database.selectFrom('incidents').selectAll().where('telemetry', 'is', null).orderBy('id').execute();
}

export type NoteRow = Schema['incident_notes'];

export function listIncidentNotes(database: Queryable, incidentId: string): Promise<readonly NoteRow[]> {
  return database
    .selectFrom('incident_notes')
    .selectAll()
    .where('incident_id', '=', incidentId)
    .orderBy('seq')
    .execute();
}

export async function insertIncidentNote(database: Queryable, note: Omit<NoteRow, 'seq'>): Promise<void> {
  const notes = await listIncidentNotes(database, note.incident_id);
  await database
    .insertInto('incident_notes')
    .values({ ...note, seq: notes.length + 1 })
    .execute();
}
