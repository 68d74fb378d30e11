// Business figures in the database, and whom they count for. A correction replaces the figures of the very same span.
import type { BusinessRecord } from '../../shared/measure/business.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { Queryable } from '../database/database.ts';

type Row = {
  readonly site: string;
  readonly device: string | null;
  readonly line: string | null;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly frames: number | null;
  readonly alerts: number | null;
  readonly reviewed: number | null;
  readonly false_alerts: number | null;
  readonly defects_caught: number | null;
  readonly parts: number | null;
  readonly cost: number | null;
};

/** Grows with every import; 0 before the first. */
export async function businessEdition(database: Queryable): Promise<number> {
  const newest = await database.selectFrom('business_imports').select('id').orderBy('id', 'desc').limit(1).execute();
  return newest[0]?.id ?? 0;
}

/** In order of time. */
export async function readBusiness(
  database: Queryable,
  sites: readonly string[],
  fromMs: number,
): Promise<readonly BusinessRecord[]> {
  if (sites.length === 0) return [];
  const rows = await database
    .selectFrom('business_records')
    .selectAll()
    .where('site', 'in', sites)
    .where('to_ms', '>', fromMs)
    .orderBy('from_ms')
    .execute();
  return rows.map(recordOf);
}

export async function replaceRecord(database: Queryable, record: BusinessRecord, importId: number): Promise<void> {
  const { site, device, line, fromMs, toMs, falseAlerts, defectsCaught, ...figures } = record;
  const values = { ...figures, false_alerts: falseAlerts, defects_caught: defectsCaught, import_id: importId };
  await database
    .insertInto('business_records')
    .values({ site, unit: unitKey(record), device, line, from_ms: fromMs, to_ms: toMs, ...values })
    .onConflict((conflict) => conflict.columns(['site', 'unit', 'from_ms', 'to_ms']).doUpdateSet(values))
    .execute();
}

export function unitKey({ device, line }: Pick<BusinessRecord, 'device' | 'line'>): string {
  return device === null ? `line/${line}` : `device/${device}`;
}

function recordOf(row: Row): BusinessRecord {
  const { site, device, line, frames, alerts, reviewed, parts, cost } = row;
  const span = { fromMs: row.from_ms, toMs: row.to_ms };
  const counts = { falseAlerts: row.false_alerts, defectsCaught: row.defects_caught };
  return { site, device, line, ...span, frames, alerts, reviewed, parts, cost, ...counts };
}

export type BusinessDevice = {
  readonly site: string;
  readonly device: string;
  readonly line: string | null;
  /** Since when it answers with the candidate; null: it does not. */
  readonly servesSinceMs: number | null;
};

type Placed = Omit<BusinessDevice, 'servesSinceMs'> & { readonly role: string; readonly activatedAtMs: number | null };

/** A row of a ledger as figures are attributed to it. */
export function servingOf({ site, device, line, role, activatedAtMs }: Placed): BusinessDevice {
  return { site, device, line, servesSinceMs: role === 'serve' ? activatedAtMs : null };
}

export function asksForBusiness(guardrails: readonly Pick<Guardrail, 'expression'>[]): boolean {
  return guardrails.some(({ expression }) => metricRule(expression.metric).source === 'business');
}

/**
 * By `site/device`. Figures of a line are one piece of evidence, and stand with the first of its devices; only spans in which all of
 * them ran the same release count, as nobody can tell the parts of a mixed one.
 */
export function attribute(
  records: readonly BusinessRecord[],
  devices: readonly BusinessDevice[],
): ReadonlyMap<string, readonly BusinessRecord[]> {
  const byDevice = new Map<string, BusinessRecord[]>();
  const lines = linesOf(devices);
  for (const record of records) {
    const key = record.device === null ? lineOwner(record, lines) : `${record.site}/${record.device}`;
    if (key === null) continue;
    const own = byDevice.get(key);
    if (own) own.push(record);
    else byDevice.set(key, [record]);
  }
  return byDevice;
}

function linesOf(devices: readonly BusinessDevice[]): ReadonlyMap<string, readonly BusinessDevice[]> {
  const lines = new Map<string, BusinessDevice[]>();
  for (const device of devices) {
    if (device.line === null) continue;
    const key = `${device.site}/${device.line}`;
    lines.set(key, [...(lines.get(key) ?? []), device]);
  }
  return lines;
}

function lineOwner(record: BusinessRecord, lines: ReadonlyMap<string, readonly BusinessDevice[]>): string | null {
  const own = lines.get(`${record.site}/${record.line}`) ?? [];
  const switches = own.map(({ servesSinceMs }) => servesSinceMs ?? Number.POSITIVE_INFINITY);
  const isWhole = record.toMs <= Math.min(...switches) || record.fromMs >= Math.max(...switches);
  const first = own.map(({ device }) => device).toSorted()[0];
  return first === undefined || !isWhole ? null : `${record.site}/${first}`;
}
