// Releases as rows and as the API shows them. Single-table reads and writes; no decisions.
import { sql } from 'kysely';
import type { Release, ReleaseNote, ReleaseSummary } from '../../shared/protocol/api-releases.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { type ModelCard, readModelCard } from '../../shared/release/model-card.ts';
import type { Queryable } from '../database/database.ts';
import type { FloorTables, ReleaseState } from '../database/schema.ts';

export type ReleaseRow = FloorTables['releases'];

export type NewRelease = {
  readonly digest: string;
  readonly id: string;
  readonly manifest: Manifest;
  /** Canonical JSON; its SHA-256 is `digest`. */
  readonly text: string;
  readonly actor: string;
  readonly nowMs: number;
};

export async function insertRelease(database: Queryable, release: NewRelease): Promise<void> {
  const { digest, id, manifest, text, actor, nowMs } = release;
  const identity = { name: manifest.name, version: manifest.version, data_tag: manifest.provenance.dataTag };
  const row = { digest, id, ...identity, state: 'registered' as const, manifest: text };
  await database
    .insertInto('releases')
    .values({ ...row, registered_at_ms: nowMs, registered_by: actor })
    .execute();
  await database
    .insertInto('release_files')
    .values(
      manifest.files.map(({ path, role, sha256, bytes }) => ({ release_digest: digest, path, role, sha256, bytes })),
    )
    .execute();
}

export async function findReleaseByDigest(database: Queryable, digest: string): Promise<ReleaseRow | null> {
  const row = await database.selectFrom('releases').selectAll().where('digest', '=', digest).executeTakeFirst();
  return row ?? null;
}

export type ReleaseFilter = {
  readonly name?: string | undefined;
  readonly state?: ReleaseState | undefined;
  /** The last one of the page before. */
  readonly after?: Pick<ReleaseSummary, 'id' | 'registeredAtMs'> | null;
  /** At most so many. */
  readonly limit?: number;
};

/** Newest first. */
export async function listReleaseRows(database: Queryable, filter: ReleaseFilter): Promise<readonly ReleaseRow[]> {
  let query = database.selectFrom('releases').selectAll().orderBy('registered_at_ms', 'desc').orderBy('id');
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  const { after, limit } = filter;
  if (limit !== undefined) query = query.limit(limit);
  if (after)
    query = query.where(({ or, and, eb }) =>
      or([
        eb('registered_at_ms', '<', after.registeredAtMs),
        and([eb('registered_at_ms', '=', after.registeredAtMs), eb('id', '>', after.id)]),
      ]),
    );
  return query.execute();
}

export async function listNotes(database: Queryable, digest: string): Promise<readonly ReleaseNote[]> {
  const rows = await database
    .selectFrom('release_notes')
    .selectAll()
    .where('release_digest', '=', digest)
    .orderBy('id')
    .execute();
  return rows.map(({ at_ms, actor, kind, text, rollout_id }) => ({
    atMs: at_ms,
    actor,
    kind,
    text,
    rolloutId: rollout_id,
  }));
}

export async function insertNote(database: Queryable, digest: string, note: ReleaseNote): Promise<void> {
  const { atMs, actor, kind, text, rolloutId } = note;
  await database
    .insertInto('release_notes')
    .values({ release_digest: digest, at_ms: atMs, actor, kind, text, rollout_id: rolloutId })
    .execute();
}

export async function updateReleaseState(database: Queryable, digest: string, state: ReleaseState): Promise<void> {
  await database.updateTable('releases').set({ state }).where('digest', '=', digest).execute();
}

export function manifestOfRow(row: ReleaseRow): Manifest {
  return manifestSchema.parse(JSON.parse(row.manifest));
}

export function toSummary(row: ReleaseRow): ReleaseSummary {
  const manifest = manifestOfRow(row);
  return {
    id: row.id,
    digest: row.digest,
    name: row.name,
    version: row.version,
    dataTag: row.data_tag,
    task: manifest.task,
    owner: manifest.owner,
    changelog: manifest.changelog,
    state: row.state,
    registeredAtMs: row.registered_at_ms,
    registeredBy: row.registered_by,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
  };
}

export function toRelease(row: ReleaseRow, notes: readonly ReleaseNote[], card: ModelCard | null): Release {
  return { ...toSummary(row), manifest: manifestOfRow(row), notes: [...notes], card };
}

export async function findCard(database: Queryable, digest: string): Promise<ModelCard | null> {
  const row = await database
    .selectFrom('release_cards')
    .select('readme')
    .where('digest', '=', digest)
    .executeTakeFirst();
  const read = row && readModelCard(row.readme);
  return read?.ok ? read.card : null;
}

/** A release never changes: the card that came first stays. */
export async function insertCard(database: Queryable, digest: string, readme: string): Promise<void> {
  const row = database.insertInto('release_cards').values({ digest, readme });
  await row.onConflict((conflict) => conflict.doNothing()).execute();
}

/** Grows with everything that is written to the entry: each change of state leaves a note. */
export async function releaseVersion(database: Queryable, digest: string): Promise<number> {
  const row = await database
    .selectFrom('release_notes')
    .select((select) => select.fn.max<number | null>('id').as('last'))
    .where('release_digest', '=', digest)
    .executeTakeFirst();
  return row?.last ?? 0;
}

/** The rollout that wants it kept the longest as the fallback; null when none does. */
export async function findRetained(
  database: Queryable,
  digest: string,
): Promise<{ readonly rolloutId: string; readonly untilMs: number } | null> {
  const row = await database
    .selectFrom('release_retained')
    .select(['rollout_id', 'until_ms'])
    .where('digest', '=', digest)
    .orderBy('until_ms', 'desc')
    .executeTakeFirst();
  return row === undefined ? null : { rolloutId: row.rollout_id, untilMs: row.until_ms };
}

/** The rollout that is not over and needs it, as its candidate or to go back to; null when none does. */
export async function findUser(database: Queryable, digest: string): Promise<string | null> {
  const row = await database
    .selectFrom('rollouts')
    .select('id')
    .where('state', 'not in', ENDED)
    .where((where) =>
      where.or([
        where('candidate_digest', '=', digest),
        sql<boolean>`exists (select 1 from json_each(plan, '$.baselines') where json_extract(value, '$.digest') = ${digest})`,
      ]),
    )
    .executeTakeFirst();
  return row?.id ?? null;
}
