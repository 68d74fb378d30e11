// The timeline of a rollout from what is on record: decisions, what devices said of the candidate, kills that covered it and who
// obeyed, the verification, returns, notes. Oldest first; nothing here is read from memory.
import type { TimelineEntry } from '../../shared/protocol/api-incidents.ts';
import { killScopeSchema } from '../../shared/protocol/documents.ts';
import { eventSchema } from '../../shared/protocol/reports.ts';
import type { Verification } from '../../shared/rollout/verification.ts';
import { coveringKill } from '../core/kill-cover.ts';
import type { Queryable } from '../database/database.ts';
import type { Rollout } from '../rollouts/rollout-rows.ts';

/** What a device says of a candidate that an incident is about. */
const EVENT_KINDS = ['reverted', 'breach', 'crash', 'quarantined', 'lease-lapsed', 'halted', 'kill-ack'] as const;
/** Events read at most; a fleet in trouble says the same thing very often. */
const EVENTS_MAX = 2000;
/** Reports of a device about the end arrive for as long after it. */
const AFTER_MS = 15 * 60_000;

export async function readTimeline(
  database: Queryable,
  rollout: Rollout,
  verification: Verification | null,
): Promise<readonly TimelineEntry[]> {
  const entries = [
    ...(await decisionsOf(database, rollout)),
    ...(await eventsOf(database, rollout)),
    ...(await killsOf(database, rollout)),
    ...verificationOf(verification),
  ];
  return entries.toSorted((a, b) => a.atMs - b.atMs);
}

async function decisionsOf(database: Queryable, { id }: Rollout): Promise<readonly TimelineEntry[]> {
  const rows = await database
    .selectFrom('rollout_decisions')
    .select(['at_ms', 'actor', 'kind', 'stage', 'reason'])
    .where('rollout_id', '=', id)
    .orderBy('seq')
    .execute();
  return rows.map((row) => {
    const stage = row.stage === '' ? '' : ` at ${row.stage}`;
    return { atMs: row.at_ms, what: 'decision', actor: row.actor, text: `${row.kind}${stage}: ${row.reason}` };
  });
}

async function eventsOf(
  database: Queryable,
  { candidate, createdAtMs, endedAtMs, plan }: Rollout,
): Promise<readonly TimelineEntry[]> {
  const members = new Set(plan.devices.map(({ site, device }) => `${site}/${device}`));
  let query = database
    .selectFrom('events')
    .select(['site', 'device', 'kind', 'received_at_ms', 'document'])
    .where('kind', 'in', EVENT_KINDS)
    .where('received_at_ms', '>=', createdAtMs)
    .where((where) => where.or([where('digest', '=', candidate.digest), where('kind', 'in', ['kill-ack', 'halted'])]))
    .orderBy('id')
    .limit(EVENTS_MAX);
  if (endedAtMs !== null) query = query.where('received_at_ms', '<=', endedAtMs + AFTER_MS);
  const rows = await query.execute();
  return rows.flatMap((row) => {
    const actor = `${row.site}/${row.device}`;
    if (!members.has(actor)) return [];
    return [{ atMs: row.received_at_ms, what: 'device', actor, text: tellEvent(row.kind, row.document) }];
  });
}

function tellEvent(kind: string, document: string): string {
  const { reason, effectMs, gapMs } = eventSchema
    .pick({ reason: true, effectMs: true, gapMs: true })
    .parse(JSON.parse(document));
  const tookMs = effectMs ?? gapMs;
  return `${kind}: ${reason}${tookMs === undefined ? '' : ` (first baseline answer after ${Math.round(tookMs)} ms)`}`;
}

async function killsOf(database: Queryable, rollout: Rollout): Promise<readonly TimelineEntry[]> {
  const { id, candidate, plan, createdAtMs, endedAtMs } = rollout;
  const scope = {
    rolloutId: id,
    candidateDigest: candidate.digest,
    sites: [...new Set(plan.devices.map(({ site }) => site))],
    endedAtMs,
  };
  const rows = await database.selectFrom('kills').selectAll().orderBy('raised_at_ms').execute();
  const entries: TimelineEntry[] = [];
  for (const row of rows) {
    const kill = { id: row.id, reason: row.reason, actor: row.actor, raisedAtMs: row.raised_at_ms };
    const isOver = row.cleared_at_ms !== null && row.cleared_at_ms < createdAtMs;
    const document = killScopeSchema.parse(JSON.parse(row.scope));
    if (isOver || coveringKill([{ ...kill, scope: document }], scope) === null) continue;
    const text = `kill ${row.id} (${document.kind}): ${row.reason}${await acksOf(database, row.id)}`;
    entries.push({ atMs: row.raised_at_ms, what: 'kill', actor: row.actor, text });
    if (row.cleared_at_ms !== null)
      entries.push({
        atMs: row.cleared_at_ms,
        what: 'kill',
        actor: row.cleared_by ?? '',
        text: `kill ${row.id} re-armed: ${row.cleared_reason ?? ''}`,
      });
  }
  return entries;
}

async function acksOf(database: Queryable, killId: string): Promise<string> {
  const rows = await database
    .selectFrom('kill_acks')
    .select(['round_trip_ms'])
    .where('kill_id', '=', killId)
    .orderBy('round_trip_ms')
    .execute();
  const times = rows.flatMap(({ round_trip_ms }) => (round_trip_ms === null ? [] : [round_trip_ms]));
  const slowest = times.length === 0 ? '' : `, the slowest after ${Math.round(Math.max(...times))} ms`;
  return `; acknowledged by ${rows.length} ${rows.length === 1 ? 'device' : 'devices'}${slowest}`;
}

function verificationOf(verification: Verification | null): readonly TimelineEntry[] {
  if (verification === null) return [];
  const { atMs, sentence, offline } = verification;
  const returns = offline.flatMap(({ site, device, backAtMs }): TimelineEntry[] =>
    backAtMs == null
      ? []
      : [{ atMs: backAtMs, what: 'return', actor: `${site}/${device}`, text: 'back on its own release' }],
  );
  return [{ atMs, what: 'verification', actor: 'belay', text: sentence }, ...returns];
}
