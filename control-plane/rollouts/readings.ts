// What the judge reads: windows (kept in memory while a rollout runs, only new ones are read), reverts, and kills in force.
import type { BusinessRecord } from '../../shared/measure/business.ts';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import { killScopeSchema } from '../../shared/protocol/documents.ts';
import { eventKindSchema } from '../../shared/protocol/reports.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { INCIDENT_EVENTS } from '../../shared/rollout/incidents.ts';
import { attribute, type BusinessDevice, businessEdition, readBusiness } from '../business/business-rows.ts';
import { rememberTotals, type TotalsMemory } from '../core/device-totals.ts';
import type { Incident } from '../core/incident-verdict.ts';
import { coveringKill, type KillFacts } from '../core/kill-cover.ts';
import { keyOf } from '../core/stages.ts';
import type { Queryable } from '../database/database.ts';
import type { Rollout } from './rollout-rows.ts';

/** A device's own past for comparison, when the file does not say: the last two hours before the start. */
const BASELINE_MS = 2 * 3_600_000;
/** Business figures come by the shift or the day: their past goes back this far, or as far as the file says. */
const BUSINESS_MS = 14 * 86_400_000;
/** Rows of one group commit may appear after younger ones; read this much again. */
const OVERLAP_MS = 30_000;

export type DeviceWindows = { readonly before: readonly Window[]; readonly since: readonly Window[] };

/** The windows of one rollout's sites, by `site/device`. */
export class WindowReader {
  /** What the windows of its devices add up to, from tick to tick. */
  readonly totals: TotalsMemory = rememberTotals();
  readonly #createdAtMs: number;
  readonly #sites: readonly string[];
  readonly #baselineMs: number;
  #business: { readonly edition: number; readonly records: readonly BusinessRecord[] } | null = null;
  readonly #seen = new Set<string>();
  readonly #windows = new Map<string, { before: Window[]; since: Window[] }>();
  #receivedAtMs = 0;

  constructor(createdAtMs: number, sites: readonly string[], baselineMs: number = BASELINE_MS) {
    this.#createdAtMs = createdAtMs;
    this.#sites = sites;
    this.#baselineMs = baselineMs;
  }

  /** Figures of each device, by `site/device`; read again only when something was brought in since. */
  async business(database: Queryable, devices: readonly BusinessDevice[]): Promise<ReturnType<typeof attribute>> {
    const edition = await businessEdition(database);
    if (this.#business?.edition !== edition) {
      const fromMs = this.#createdAtMs - Math.max(BUSINESS_MS, this.#baselineMs);
      this.#business = { edition, records: await readBusiness(database, this.#sites, fromMs) };
    }
    return attribute(this.#business.records, devices);
  }

  /** Reads what has arrived since the last call. */
  async refresh(database: Queryable): Promise<void> {
    const rows = await database
      .selectFrom('windows')
      .select(['site', 'device', 'boot', 'seq', 'received_at_ms', 'document'])
      .where('site', 'in', this.#sites)
      .where('received_at_ms', '>=', this.#receivedAtMs - OVERLAP_MS)
      .where('start_at_ms', '>=', this.#createdAtMs - this.#baselineMs)
      .orderBy('start_at_ms')
      .execute();
    for (const row of rows) this.#take(row);
  }

  of(key: string): DeviceWindows {
    return this.#windows.get(key) ?? { before: [], since: [] };
  }

  #take(row: {
    site: string;
    device: string;
    boot: string;
    seq: number;
    received_at_ms: number;
    document: string;
  }): void {
    const id = `${row.site}/${row.device}/${row.boot}/${row.seq}`;
    this.#receivedAtMs = Math.max(this.#receivedAtMs, row.received_at_ms);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const window = windowSchema.parse(JSON.parse(row.document));
    const key = `${row.site}/${row.device}`;
    const kept = this.#windows.get(key) ?? { before: [], since: [] };
    this.#windows.set(key, kept);
    if (window.endAtMs <= this.#createdAtMs) insertInOrder(kept.before, window);
    else if (window.startAtMs >= this.#createdAtMs) insertInOrder(kept.since, window);
  }
}

/** Windows that waited in a spool arrive late; order is by their own time. */
function insertInOrder(windows: Window[], window: Window): void {
  const after = windows.findLastIndex(({ startAtMs }) => startAtMs <= window.startAtMs);
  windows.splice(after + 1, 0, window);
}

/** `site/device` of devices that told us, since then, that they took the candidate back by themselves, and when they first did. */
export async function readReverted(
  database: Queryable,
  digest: string,
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await database
    .selectFrom('events')
    .select(({ fn }) => ['site', 'device', fn.min('received_at_ms').as('atMs')])
    .where('kind', 'in', ['reverted', 'quarantined'])
    .where('digest', '=', digest)
    .where('received_at_ms', '>=', sinceMs)
    .groupBy(['site', 'device'])
    .execute();
  return new Map(rows.map(({ site, device, atMs }) => [`${site}/${device}`, Number(atMs)]));
}

/** Events that a guardrail counts as incidents, since the stage began, on the rollout's sites. */
export async function readIncidents(
  database: Queryable,
  { plan, progress }: Pick<Rollout, 'plan' | 'progress'>,
  guardrails: readonly Guardrail[],
): Promise<readonly Incident[]> {
  const kinds = guardrails.flatMap(({ incident }) => (incident?.kinds ?? []).flatMap((kind) => INCIDENT_EVENTS[kind]));
  if (kinds.length === 0) return [];
  const rows = await database
    .selectFrom('events')
    .select(['site', 'device', 'kind', 'digest', 'received_at_ms'])
    .where('site', 'in', [...new Set(plan.devices.map(({ site }) => site))])
    .where('kind', 'in', [...new Set(kinds)])
    .where('received_at_ms', '>=', progress.stageStartedAtMs)
    .execute();
  const planned = new Set(plan.devices.map(keyOf));
  return rows
    .filter((row) => planned.has(keyOf(row)))
    .map(({ site, device, kind, digest, received_at_ms: atMs }) => {
      return { site, device, kind: eventKindSchema.parse(kind), digest, atMs };
    });
}

/** Kills in force. */
export async function readActiveKills(database: Queryable): Promise<readonly KillFacts[]> {
  const rows = await database
    .selectFrom('kills')
    .select(['id', 'scope', 'reason', 'actor', 'raised_at_ms'])
    .where('cleared_at_ms', 'is', null)
    .execute();
  return rows.map(({ scope, raised_at_ms: raisedAtMs, ...kill }) => {
    return { ...kill, raisedAtMs, scope: killScopeSchema.parse(JSON.parse(scope)) };
  });
}

/** The kill in force that covers the rollout, in words; null when there is none. */
export function killOf(kills: readonly KillFacts[], { id, candidate, plan, endedAtMs }: Rollout): string | null {
  const sites = [...new Set(plan.devices.map(({ site }) => site))];
  return coveringKill(kills, { rolloutId: id, candidateDigest: candidate.digest, sites, endedAtMs });
}
