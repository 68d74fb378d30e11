// What has happened since the last look, from the two places where everything that counts is written in the transaction that
// makes it true: the audit, and the devices' events. Nothing is lost by dying between an act and telling it.
import type { DatabaseTransaction } from '../database/database.ts';
import { rolloutEvent } from './event-types.ts';
import type { Notice } from './notice.ts';

/** Bounds one look; the next follows at once. */
const ROWS_MAX = 200;

export type Looked = { readonly notices: readonly Notice[]; readonly position: number; readonly isMore: boolean };

export async function readAuditNotices(
  transaction: DatabaseTransaction,
  after: number,
  prefix: string,
): Promise<Looked> {
  const rows = await transaction
    .selectFrom('audit')
    .select(['seq', 'at_ms', 'actor', 'action', 'subject', 'reason', 'details'])
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(ROWS_MAX)
    .execute();
  const notices: Notice[] = [];
  for (const row of rows) {
    const told = await tell(transaction, row);
    if (told === null) continue;
    const { seq, at_ms, actor, reason, subject } = row;
    const data = { actor, reason, ...told.data, auditSeq: seq };
    notices.push({
      id: `${prefix}a${seq}`,
      subject,
      atMs: at_ms,
      knownAtMs: at_ms,
      type: told.type,
      sites: told.sites,
      data,
    });
  }
  return { notices, position: rows.at(-1)?.seq ?? after, isMore: rows.length === ROWS_MAX };
}

type AuditRow = { readonly action: string; readonly subject: string; readonly details: string };
type Told = Pick<Notice, 'type' | 'sites' | 'data'>;

function tell(transaction: DatabaseTransaction, { action, subject, details }: AuditRow): Promise<Told | null> {
  const id = subject.slice(subject.indexOf('/') + 1);
  if (action === 'kill-unacknowledged') return tellUnacknowledged(transaction, id, details);
  if (subject.startsWith('rollout/')) return tellRollout(transaction, id, details);
  if (action === 'kill-raised' || action === 'kill-rearmed') return tellKill(transaction, id, action);
  if (action === 'incident-opened' || action === 'incident-closed') return tellIncident(transaction, id, action);
  return Promise.resolve(null);
}

async function tellRollout(transaction: DatabaseTransaction, id: string, details: string): Promise<Told | null> {
  const { seq = 1 } = JSON.parse(details) as { readonly seq?: number };
  const row = await transaction
    .selectFrom('rollout_decisions')
    .innerJoin('rollouts', 'rollouts.id', 'rollout_decisions.rollout_id')
    .select(['rollouts.name', 'rollouts.candidate_release', 'kind', 'rule', 'from_state', 'to_state', 'stage', 'seq'])
    .where('rollout_decisions.rollout_id', '=', id)
    .where('rollout_decisions.seq', '=', seq)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { name, kind, rule, stage } = row;
  const sites = await sitesOf(transaction, id);
  const states = { fromState: row.from_state, toState: row.to_state };
  const data = { rolloutId: id, name, candidate: row.candidate_release, stage, kind, rule, ...states, seq, sites };
  return {
    type: rolloutEvent({ kind, ...states }),
    sites,
    data: { ...data, next: `belay rollout get ${id}` },
  };
}

async function tellUnacknowledged(transaction: DatabaseTransaction, rolloutId: string, details: string): Promise<Told> {
  const { killId, devices } = JSON.parse(details) as { readonly killId: string; readonly devices: readonly string[] };
  const sites = await sitesOf(transaction, rolloutId);
  return {
    type: 'dev.belay.kill.unacknowledged.v1',
    sites,
    data: { killId, rolloutId, devices, sites, next: 'belay kills' },
  };
}

async function sitesOf(transaction: DatabaseTransaction, rolloutId: string): Promise<readonly string[]> {
  const rows = await transaction
    .selectFrom('rollout_assignments')
    .select('site')
    .distinct()
    .where('rollout_id', '=', rolloutId)
    .orderBy('site')
    .execute();
  return rows.map(({ site }) => site);
}

async function tellKill(transaction: DatabaseTransaction, id: string, action: string): Promise<Told | null> {
  const row = await transaction
    .selectFrom('kills')
    .select(['scope', 'epoch', 'recipients'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return null;
  const scope = JSON.parse(row.scope) as { readonly kind: string; readonly site?: string };
  const sent = (JSON.parse(row.recipients) as readonly unknown[]).length;
  return {
    type: action === 'kill-raised' ? 'dev.belay.kill.raised.v1' : 'dev.belay.kill.rearmed.v1',
    sites: scope.site === undefined ? '*' : [scope.site],
    data: { killId: id, scope, epoch: row.epoch, sent, next: 'belay kills' },
  };
}

async function tellIncident(transaction: DatabaseTransaction, id: string, action: string): Promise<Told | null> {
  const row = await transaction.selectFrom('incidents').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return null;
  return {
    type: action === 'incident-opened' ? 'dev.belay.incident.opened.v1' : 'dev.belay.incident.closed.v1',
    sites: await sitesOf(transaction, row.rollout_id),
    data: {
      incidentId: id,
      rolloutId: row.rollout_id,
      kind: row.kind,
      title: row.title,
      next: `belay incident get ${id}`,
    },
  };
}

const DEVICE_EVENTS = { halted: 'dev.belay.device.halted.v1', reverted: 'dev.belay.device.reverted.v1' } as const;
/** Of the other kinds nothing but the number is looked at. */
const EVENTS_PASSED_MAX = 20_000;

export async function readDeviceNotices(
  transaction: DatabaseTransaction,
  after: number,
  prefix: string,
): Promise<Looked> {
  const { last } = await transaction
    .selectFrom('events')
    .select((select) => select.fn.max('id').as('last'))
    .executeTakeFirstOrThrow();
  const until = Math.min(Number(last ?? 0), after + EVENTS_PASSED_MAX);
  if (until <= after) return { notices: [], position: after, isMore: false };
  const rows = await transaction
    .selectFrom('events')
    .select(['id', 'site', 'device', 'kind', 'at_ms', 'received_at_ms', 'digest', 'rollout_id', 'document'])
    .where('id', '>', after)
    .where('id', '<=', until)
    .where('kind', 'in', Object.keys(DEVICE_EVENTS))
    .orderBy('id')
    .limit(ROWS_MAX)
    .execute();
  const isFull = rows.length === ROWS_MAX;
  const position = isFull ? (rows.at(-1)?.id ?? until) : until;
  return { notices: rows.map((row) => deviceNotice(row, prefix)), position, isMore: isFull || until < Number(last) };
}

type EventRow = {
  readonly id: number;
  readonly site: string;
  readonly device: string;
  readonly kind: string;
  readonly at_ms: number;
  readonly received_at_ms: number;
  readonly digest: string | null;
  readonly rollout_id: string | null;
  readonly document: string;
};

function deviceNotice(
  { id, site, device, kind, at_ms, received_at_ms, digest, rollout_id, document }: EventRow,
  prefix: string,
): Notice {
  const { reason, release, breach, gapMs } = JSON.parse(document) as Record<string, unknown>;
  const said = { reason, release, breach, gapMs, digest, rolloutId: rollout_id };
  return {
    id: `${prefix}e${id}`,
    type: DEVICE_EVENTS[kind as keyof typeof DEVICE_EVENTS],
    subject: `device/${site}/${device}`,
    atMs: at_ms,
    knownAtMs: received_at_ms,
    sites: [site],
    data: { site, device, ...said, next: `belay device explain ${site}/${device}` },
  };
}
