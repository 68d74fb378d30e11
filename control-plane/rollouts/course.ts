// Keeps how the verdicts of a rollout went, for those who look later. Written after a decision, outside its transaction, and whatever
// goes wrong here costs a point of a picture and nothing else.
import type { Verdict } from '../../shared/rollout/verdict.ts';
import {
  type CourseMoment,
  type CoursePoint,
  isKept,
  isTurn,
  MOMENTS_MAX,
  momentsToForget,
  pointOf,
} from '../core/course.ts';
import type { Queryable } from '../database/database.ts';
import type { RolloutParts } from './parts.ts';

export type Judged = {
  readonly rolloutId: string;
  readonly atMs: number;
  readonly stage: string;
  readonly verdicts: readonly Verdict[];
};

/** Never throws. */
export async function noteCourse(
  { database, log }: Pick<RolloutParts, 'database' | 'log'>,
  judged: Judged,
): Promise<void> {
  if (judged.verdicts.length === 0) return;
  try {
    await keep(database, judged);
  } catch (error) {
    log.warn({ err: error, rolloutId: judged.rolloutId }, 'a moment of the course of verdicts was not kept');
  }
}

/** Oldest first. */
export async function readCourse(database: Queryable, rolloutId: string): Promise<readonly CourseMoment[]> {
  const rows = await database
    .selectFrom('rollout_course')
    .select(['at_ms', 'stage', 'points'])
    .where('rollout_id', '=', rolloutId)
    .orderBy('at_ms')
    .execute();
  return rows.map(toMoment);
}

async function keep(database: Queryable, { rolloutId, atMs, stage, verdicts }: Judged): Promise<void> {
  const next = { atMs, stage, points: verdicts.map(pointOf) };
  const edges = await readEdges(database, rolloutId);
  const last = edges?.last ?? null;
  if (last !== null && last.atMs >= atMs) return;
  if (edges !== null && !isKept(edges, next)) return;
  await database
    .insertInto('rollout_course')
    .values({
      rollout_id: rolloutId,
      at_ms: atMs,
      stage,
      is_turn: isTurn(last, next) ? 1 : 0,
      points: JSON.stringify(next.points),
    })
    .execute();
  if (edges !== null && edges.count >= MOMENTS_MAX) await thin(database, rolloutId);
}

type Edges = { readonly count: number; readonly firstAtMs: number; readonly last: CourseMoment };

async function readEdges(database: Queryable, rolloutId: string): Promise<Edges | null> {
  const of = database.selectFrom('rollout_course').where('rollout_id', '=', rolloutId);
  const last = await of.select(['at_ms', 'stage', 'points']).orderBy('at_ms', 'desc').limit(1).executeTakeFirst();
  if (last === undefined) return null;
  const { count, first } = await of
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min('at_ms').as('first')])
    .executeTakeFirstOrThrow();
  return { count: Number(count), firstAtMs: first ?? last.at_ms, last: toMoment(last) };
}

async function thin(database: Queryable, rolloutId: string): Promise<void> {
  const rows = await database
    .selectFrom('rollout_course')
    .select(['at_ms', 'is_turn'])
    .where('rollout_id', '=', rolloutId)
    .orderBy('at_ms')
    .execute();
  const forgotten = momentsToForget(rows.map((row) => ({ atMs: row.at_ms, isTurn: row.is_turn === 1 })));
  if (forgotten.length === 0) return;
  await database
    .deleteFrom('rollout_course')
    .where('rollout_id', '=', rolloutId)
    .where('at_ms', 'in', forgotten)
    .execute();
}

function toMoment(row: { at_ms: number; stage: string; points: string }): CourseMoment {
  return { atMs: row.at_ms, stage: row.stage, points: JSON.parse(row.points) as CoursePoint[] };
}
