// The door of the incidents room: list, one as people read it, annotate; and what a tick does about them. Incidents are opened
// by decisions (open-incident.ts), never by hand.
import type { AnnotateBody, Incident, IncidentSummary } from '../../shared/protocol/api-incidents.ts';
import type { Audit } from '../audit/audit.ts';
import { type Expected, isExpected, type Stale } from '../core/expected.ts';
import { openTelemetrySummary } from '../core/telemetry-summary.ts';
import type { Database, Queryable } from '../database/database.ts';
import { readLedger } from '../rollouts/ledger.ts';
import { findRollout, type Rollout } from '../rollouts/rollout-rows.ts';
import { readWindows, scopeOf } from '../rollouts/window-rows.ts';
import { composeIncident, summariseIncident } from './compose.ts';
import {
  findIncident,
  type IncidentPlace,
  type IncidentRow,
  insertIncidentNote,
  listIncidentNotes,
  listIncidents,
  listUnmeasured,
  updateIncident,
} from './incident-rows.ts';

export type IncidentParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly wallNow: () => number;
};

/** Asked without a limit; all of them stay in the database. */
const LISTED_MAX = 500;

export type IncidentPage = { readonly after: IncidentPlace | null; readonly limit: number };
export type IncidentListed = IncidentSummary & { readonly place: IncidentPlace };

export type Incidents = {
  /** Newest first; of one rollout (by id or name), or of all. Null: there is no such rollout. */
  list(rollout: string | null, page?: IncidentPage): Promise<readonly IncidentListed[] | null>;
  /** By its own id, or the newest of a rollout. */
  get(id: string): Promise<Incident | null>;
  /** `expected`: the versions (`versionOfIncident`) that the writer may have seen. */
  annotate(id: string, note: AnnotateBody, expected?: Expected): Promise<Incident | Stale | null>;
};

/** Grows with the decisions that make it what it is, and with its notes. */
export function versionOfIncident({ decision, notes }: Pick<Incident, 'decision' | 'notes'>): string {
  return versionOf(decision.seq, notes.length);
}

function versionOf(decisionSeq: number, notes: number): string {
  return `${decisionSeq}-${notes}`;
}

export function openIncidents(parts: IncidentParts): Incidents {
  const { database } = parts;
  const compose = async (row: IncidentRow | null): Promise<Incident | null> =>
    row && composeIncident(database, row, await rolloutOf(database, row.rollout_id));
  return {
    list: (rollout, page = { after: null, limit: LISTED_MAX }) => list(database, rollout, page),
    get: async (id) => compose(await findIncident(database, id)),
    annotate: async (id, note, expected = null) => {
      const row = await findIncident(database, id);
      if (row === null) return null;
      const stale = await annotate(parts, row.id, { note, expected });
      return stale ?? compose(await findIncident(database, row.id));
    },
  };
}

async function list(
  database: Database,
  named: string | null,
  page: IncidentPage,
): Promise<readonly IncidentListed[] | null> {
  const rollout = named === null ? null : await findRollout(database, named);
  if (named !== null && rollout === null) return null;
  const rows = await listIncidents(database, { rolloutId: rollout?.id ?? null, ...page });
  const heads = new Map<string, Rollout>();
  for (const id of new Set(rows.map(({ rollout_id }) => rollout_id))) heads.set(id, await rolloutOf(database, id));
  return rows.flatMap((row) => {
    const head = heads.get(row.rollout_id);
    const place = { openedAtMs: row.opened_at_ms, openedSeq: row.opened_seq, id: row.id };
    return head ? [{ ...summariseIncident(row, head), place }] : [];
  });
}

async function rolloutOf(database: Database, id: string): Promise<Rollout> {
  const rollout = await findRollout(database, id);
  if (rollout === null) throw new TypeError(`an incident names rollout ${id}, which is not there`);
  return rollout;
}

async function annotate(
  { database, audit, wallNow }: IncidentParts,
  id: string,
  { note: { actor, text, rollForward }, expected }: { readonly note: AnnotateBody; readonly expected: Expected },
): Promise<Stale | null> {
  const atMs = wallNow();
  const texts = [
    ...(text === undefined ? [] : [text]),
    ...(rollForward === undefined ? [] : [`roll forward: ${rollForward}`]),
  ];
  return database.transaction().execute(async (transaction) => {
    const stale = await findStale(transaction, id, expected);
    if (stale !== null) return stale;
    for (const each of texts) {
      await insertIncidentNote(transaction, { incident_id: id, at_ms: atMs, actor, text: each });
      await audit.append(transaction, {
        actor,
        action: 'incident-annotated',
        subject: `incident/${id}`,
        reason: each,
      });
    }
    if (rollForward !== undefined)
      await updateIncident(transaction, id, { roll_forward: JSON.stringify({ text: rollForward, actor, atMs }) });
    return null;
  });
}

async function findStale(transaction: Queryable, id: string, expected: Expected): Promise<Stale | null> {
  if (expected === null) return null;
  const row = await findIncident(transaction, id);
  const notes = await listIncidentNotes(transaction, id);
  const version = versionOf(row?.latest_seq ?? 0, notes.length);
  if (isExpected(expected, version)) return null;
  const last = notes.at(-1);
  const now =
    last === undefined ? `It is ${row?.kind}: ${row?.title}` : `The newest note is by ${last.actor}: ${last.text}`;
  return { kind: 'stale', version, now };
}

/** Takes the figures of incidents that have none yet: everything up to the decision that the windows on record tell. */
export async function measureIncidents(database: Database): Promise<void> {
  for (const row of await listUnmeasured(database)) {
    const rollout = await rolloutOf(database, row.rollout_id);
    const untilMs = await decisionTime(database, rollout.id, row.latest_seq);
    const summary = openTelemetrySummary({ candidateDigest: rollout.candidate.digest, untilMs });
    for (const { site, device, hardwareClass, line, baseline } of await readLedger(
      database,
      rollout.id,
      rollout.plan,
    )) {
      const windows = await readWindows(database, scopeOf(rollout), { site, device });
      summary.add({ site, device, hardwareClass, line, baselineDigest: baseline.digest, ...windows });
    }
    await updateIncident(database, row.id, { telemetry: JSON.stringify(summary.rows()) });
  }
}

async function decisionTime(database: Database, rolloutId: string, seq: number): Promise<number> {
  const { at_ms } = await database
    .selectFrom('rollout_decisions')
    .select('at_ms')
    .where('rollout_id', '=', rolloutId)
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow();
  return at_ms;
}
