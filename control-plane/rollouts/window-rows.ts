// Windows as rows of the database, parsed. One device after the other, page by page, so that no question holds more than a few.
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import type { Queryable } from '../database/database.ts';
import type { Rollout } from './rollout-rows.ts';

/** A device's own past for comparison, when the file does not say: the last two hours before the start. */
const BASELINE_MS = 2 * 3_600_000;
/** Some MB of documents. */
const PAGE_ROWS = 1000;

/** The windows that a rollout compares: those of some sites, from a while before it began. */
export type WindowScope = { readonly beganAtMs: number; readonly pastMs: number; readonly sites: readonly string[] };

export function scopeOf(
  { progress, createdAtMs, plan }: Pick<Rollout, 'progress' | 'createdAtMs' | 'plan'>,
  pastMs: number = BASELINE_MS,
): WindowScope {
  // A device's own past ends where its first device was told, which a schedule may put off.
  return {
    beganAtMs: progress.startedAtMs ?? createdAtMs,
    pastMs,
    sites: [...new Set(plan.devices.map(({ site }) => site))],
  };
}

export type WindowRow = {
  readonly site: string;
  readonly device: string;
  readonly boot: string;
  readonly seq: number;
  readonly start_at_ms: number;
  readonly received_at_ms: number;
  readonly document: string;
};

const COLUMNS = ['site', 'device', 'boot', 'seq', 'start_at_ms', 'received_at_ms', 'document'] as const;

/** Received at or after this; in the order of their own time. */
export function rowsReceivedSince(database: Queryable, scope: WindowScope, sinceMs: number): Promise<WindowRow[]> {
  return database
    .selectFrom('windows')
    .select(COLUMNS)
    .where('site', 'in', scope.sites)
    .where('received_at_ms', '>=', sinceMs)
    .where('start_at_ms', '>=', scope.beganAtMs - scope.pastMs)
    .orderBy('start_at_ms')
    .orderBy('seq')
    .execute();
}

export async function latestReceiptMs(database: Queryable): Promise<number> {
  const row = await database
    .selectFrom('windows')
    .select(({ fn }) => fn.max('received_at_ms').as('latest'))
    .executeTakeFirst();
  return row?.latest ?? 0;
}

type Wanted = {
  readonly site: string;
  readonly device: string;
  /** Of what lies after the beginning, only from here on. */
  readonly sinceMs?: number;
};

/** All of one device, in the order of their own time. */
export async function* rowsOfDevice(
  database: Queryable,
  scope: WindowScope,
  { site, device, sinceMs = 0 }: Wanted,
): AsyncGenerator<WindowRow> {
  let [afterMs, afterSeq] = [scope.beganAtMs - scope.pastMs, -1];
  for (;;) {
    const rows = await database
      .selectFrom('windows')
      .select(COLUMNS)
      .where('site', '=', site)
      .where('device', '=', device)
      .where(({ eb, and, or }) =>
        or([eb('start_at_ms', '>', afterMs), and([eb('start_at_ms', '=', afterMs), eb('seq', '>', afterSeq)])]),
      )
      .where(({ eb, or }) => or([eb('start_at_ms', '<', scope.beganAtMs), eb('start_at_ms', '>=', sinceMs)]))
      .orderBy('start_at_ms')
      .orderBy('seq')
      .limit(PAGE_ROWS)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE_ROWS) return;
    [afterMs, afterSeq] = [last.start_at_ms, last.seq];
  }
}

export function windowOfRow({ document }: WindowRow): Window {
  return windowSchema.parse(JSON.parse(document));
}

/** Where it belongs; null: it spans the beginning, and is neither before nor since. */
export function partOf({ startAtMs, endAtMs }: Window, { beganAtMs }: WindowScope): 'before' | 'since' | null {
  if (endAtMs <= beganAtMs) return 'before';
  return startAtMs >= beganAtMs ? 'since' : null;
}

/** The windows themselves of one device; `since` from that time on. */
export async function readWindows(
  database: Queryable,
  scope: WindowScope,
  device: Wanted,
): Promise<{ readonly before: readonly Window[]; readonly since: readonly Window[] }> {
  const found = { before: [] as Window[], since: [] as Window[] };
  for await (const row of rowsOfDevice(database, scope, device)) {
    const window = windowOfRow(row);
    const part = partOf(window, scope);
    if (part) found[part].push(window);
  }
  return found;
}
