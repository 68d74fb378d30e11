// What a drill on real devices has come to, from what is on record: events of its devices, decisions of its rollout. Times are
// those at which the control plane heard of it, so that the clocks of devices do not matter.
import { describeError } from '../../shared/basics/errors.ts';
import type { DrillFailure } from '../../shared/release/drill.ts';
import type { DrillFacts } from '../core/drill.ts';
import type { Queryable } from '../database/database.ts';
import { findRollout, type Rollout } from '../rollouts/rollout-rows.ts';
import { DRILL_MS_MAX } from './device-drill.ts';
import type { DrillParts } from './drill-parts.ts';
import { type DrillRow, scopeOf } from './drill-rows.ts';

/** Longest that a rollout that goes back is waited for. */
const BACK_MS_MAX = 5 * 60_000;
const ACTOR = 'belay drill';

/** Null: it goes on. Orders the rollback of a drill whose time is over, or that was killed. */
export async function watchDrill(parts: DrillParts, drill: DrillRow, nowMs: number): Promise<DrillFacts | null> {
  const rollout = await rolloutOf(parts.database, drill);
  const ageMs = nowMs - drill.started_at_ms;
  if (rollout === null) return null;
  const isBack = rollout.progress.restoredAtMs !== undefined;
  const isGivenUp = ageMs > DRILL_MS_MAX + BACK_MS_MAX;
  if (isBack || rollout.endedAtMs !== null || isGivenUp) return gather(parts, drill, rollout);
  const isOver = ageMs > DRILL_MS_MAX || rollout.progress.holdKind === 'killed';
  if (isOver && rollout.state !== 'rolling_back') await takeBack(parts, rollout);
  return null;
}

async function rolloutOf(database: Queryable, drill: DrillRow): Promise<Rollout | null> {
  if (drill.candidate_digest === null) return null;
  const row = await database
    .selectFrom('rollouts')
    .select('id')
    .where('candidate_digest', '=', drill.candidate_digest)
    .executeTakeFirst();
  return row ? findRollout(database, row.id) : null;
}

async function takeBack({ rollouts, log }: DrillParts, { id }: Rollout): Promise<void> {
  const acted = await rollouts.act(id, 'rollback', { actor: ACTOR, reason: 'the drill is over' });
  if (acted.kind !== 'done') log.info({ rolloutId: id, acted: describeError(acted) }, 'a drill was not taken back yet');
}

type Told = { readonly atMs: number; readonly device: string; readonly kind: string; readonly reason: string };

async function gather({ database }: DrillParts, drill: DrillRow, rollout: Rollout): Promise<DrillFacts> {
  const told = await eventsOf(database, drill);
  const moved = await decisionsOf(database, rollout.id);
  const failure = drill.failure as DrillFailure;
  const shown = told.filter(({ kind }) => isShown(failure, kind));
  const own = told.find(({ kind }) => isNoticed(failure, kind));
  const central = moved.find(
    ({ kind, rule }) => (kind === 'rollback' || kind === 'hold') && !rule.startsWith('person'),
  );
  const decided = moved.find(({ kind, rule }) => kind === 'rollback' || rule === 'kill') ?? null;
  const chosen = scopeOf(drill).agents?.devices ?? [];
  return {
    failure,
    assigned: chosen.length,
    exposed: new Set(shown.map(({ device }) => device)).size,
    firstBadAtMs: shown[0]?.atMs ?? null,
    detected: earliest(
      own === undefined ? null : { atMs: own.atMs, by: `${own.device} itself (${own.reason})` },
      central === undefined
        ? null
        : { atMs: central.atMs, by: `the control plane (${central.rule}: ${central.reason})` },
    ),
    decided: decided && {
      atMs: decided.atMs,
      by: decided.actor === 'belay' ? `the control plane (${decided.rule})` : decided.actor,
    },
    backAtMs: rollout.progress.restoredAtMs ?? null,
    stragglers: await notBack(database, rollout, chosen),
    timeline: [
      ...told.map(({ device, kind, reason, atMs }) => ({ atMs, text: `${device} ${kind}: ${reason}` })),
      ...moved.map(({ atMs, actor, kind, reason }) => ({ atMs, text: `${actor} ${kind}: ${reason}` })),
    ].toSorted((a, b) => a.atMs - b.atMs),
    assumptions: ['real devices; times are those at which the control plane heard of it'],
  };
}

function isShown(failure: DrillFailure, kind: string): boolean {
  return kind === 'serving' || kind === 'crash' || kind === 'breach' || (failure === 'bad-golden' && kind === 'proof');
}

function isNoticed(failure: DrillFailure, kind: string): boolean {
  return (
    ['breach', 'crash', 'reverted', 'quarantined'].includes(kind) || (failure === 'bad-golden' && kind === 'proof')
  );
}

type Moment = NonNullable<DrillFacts['detected']>;

function earliest(a: Moment | null, b: Moment | null): Moment | null {
  if (a === null || b === null) return a ?? b;
  return a.atMs <= b.atMs ? a : b;
}

async function eventsOf(
  database: Queryable,
  { candidate_digest: digest, started_at_ms: sinceMs }: DrillRow,
): Promise<readonly Told[]> {
  if (digest === null) return [];
  const rows = await database
    .selectFrom('events')
    .select(['site', 'device', 'kind', 'received_at_ms', 'document'])
    .where('digest', '=', digest)
    .where('received_at_ms', '>=', sinceMs)
    .orderBy('received_at_ms')
    .orderBy('id')
    .execute();
  return rows.map(({ site, device, kind, received_at_ms: atMs, document }) => {
    const { reason = '' } = JSON.parse(document) as { readonly reason?: string };
    return { atMs, device: `${site}/${device}`, kind, reason };
  });
}

async function decisionsOf(database: Queryable, rolloutId: string) {
  const rows = await database
    .selectFrom('rollout_decisions')
    .select(['at_ms', 'kind', 'rule', 'actor', 'reason'])
    .where('rollout_id', '=', rolloutId)
    .orderBy('seq')
    .execute();
  return rows.map(({ at_ms: atMs, ...rest }) => ({ atMs, ...rest }));
}

/** Devices that were away when the fleet was back; without an end, all of them. */
async function notBack(
  database: Queryable,
  { id, progress }: Rollout,
  chosen: readonly string[],
): Promise<readonly string[]> {
  if (progress.restoredAtMs === undefined) return chosen;
  const rows = await database
    .selectFrom('rollout_returns')
    .select('device')
    .where('rollout_id', '=', id)
    .where('back_at_ms', 'is', null)
    .execute();
  return rows.map(({ device }) => device);
}
