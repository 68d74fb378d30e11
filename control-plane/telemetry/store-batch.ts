// One batch of arrivals into one transaction: device rows, windows and events (each counted once), watermarks.
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DatabaseTransaction } from '../database/database.ts';
import type { FloorTables } from '../database/schema.ts';
import type { Arrival } from './arrivals.ts';
import type { Position, Watermarks } from './watermarks.ts';

export type Settled = Position & { readonly seq: number };

export type BatchOutcome = {
  readonly stored: number;
  readonly duplicates: number;
  /** New watermarks, one per device and boot. */
  readonly marks: readonly Settled[];
};

/** SQLite allows 32,766 parameters in a statement; an event has 10. */
const ROWS_PER_STATEMENT = 500;

export async function storeBatch(
  transaction: DatabaseTransaction,
  batch: { readonly arrivals: readonly Arrival[]; readonly refused: readonly Settled[] },
  { watermarks, nowMs }: { readonly watermarks: Watermarks; readonly nowMs: number },
): Promise<BatchOutcome> {
  const { arrivals } = batch;
  for (const device of groupByDevice(arrivals)) await storeDevice(transaction, device, nowMs);
  const windows = arrivals
    .filter((arrival) => arrival.channel === 'window')
    .map((arrival) => toWindowRow(arrival, nowMs));
  const events = arrivals.filter((arrival) => arrival.channel === 'event').map((arrival) => toEventRow(arrival, nowMs));
  const stored = (await insertWindows(transaction, windows)) + (await insertEvents(transaction, events));
  const positions = [...windows, ...events].map(({ site, device, boot, seq }) => ({ site, device, boot, seq }));
  const marks = await settleAll(transaction, [...positions, ...batch.refused], { watermarks, nowMs });
  return { stored, duplicates: positions.length - stored, marks };
}

/** Rejects when rows can be neither read nor written. */
export async function probe(transaction: DatabaseTransaction): Promise<void> {
  await transaction.updateTable('watermarks').set({ seq: 0 }).where('site', '=', '').execute();
}

type DeviceChange = DeviceAddress & Partial<Omit<FloorTables['devices'], 'site' | 'device'>>;

/** The last word of each kind wins; windows and events only prove that the device is there. */
function groupByDevice(arrivals: readonly Arrival[]): readonly DeviceChange[] {
  const changes = new Map<string, DeviceChange>();
  for (const arrival of arrivals) {
    const { site, device } = arrival;
    const key = `${site}/${device}`;
    changes.set(key, { ...(changes.get(key) ?? { site, device }), ...changeOf(arrival) });
  }
  return [...changes.values()];
}

function changeOf({ text, ...arrival }: Arrival): Partial<DeviceChange> {
  switch (arrival.channel) {
    case 'hello': {
      const { hardwareClass, line, boot } = arrival.document;
      return { hello: text, hardware_class: hardwareClass, line, boot };
    }
    case 'reported': {
      const { hardwareClass, line, boot } = arrival.document;
      return { reported: text, hardware_class: hardwareClass, line, boot };
    }
    case 'status':
      return { status: text, online: arrival.document.online ? 1 : 0 };
    case 'window':
      return { window_ms: Math.max(1, arrival.document.endAtMs - arrival.document.startAtMs) };
    case 'event':
      return {};
  }
}

async function storeDevice(transaction: DatabaseTransaction, change: DeviceChange, nowMs: number): Promise<void> {
  const { site, device, ...columns } = change;
  await transaction
    .insertInto('devices')
    .values({ online: 0, first_seen_at_ms: nowMs, ...columns, site, device, last_seen_at_ms: nowMs })
    .onConflict((conflict) => conflict.columns(['site', 'device']).doUpdateSet({ ...columns, last_seen_at_ms: nowMs }))
    .execute();
}

type WindowRow = FloorTables['windows'];
type EventRow = Omit<FloorTables['events'], 'id'>;

function toWindowRow(arrival: Extract<Arrival, { channel: 'window' }>, nowMs: number): WindowRow {
  const { site, device, text } = arrival;
  const { boot, seq, startAtMs, endAtMs } = arrival.document;
  return { site, device, boot, seq, start_at_ms: startAtMs, end_at_ms: endAtMs, received_at_ms: nowMs, document: text };
}

function toEventRow(arrival: Extract<Arrival, { channel: 'event' }>, nowMs: number): EventRow {
  const { site, device, text } = arrival;
  const { boot, seq, kind, atMs, digest = null, rolloutId = null } = arrival.document;
  const subject = { digest, rollout_id: rolloutId };
  return { site, device, boot, seq, kind, at_ms: atMs, received_at_ms: nowMs, ...subject, document: text };
}

async function insertWindows(transaction: DatabaseTransaction, rows: readonly WindowRow[]): Promise<number> {
  let stored = 0;
  for (const chunk of chunks(rows)) {
    const result = await transaction
      .insertInto('windows')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    stored += Number(result.numInsertedOrUpdatedRows ?? 0n);
  }
  return stored;
}

async function insertEvents(transaction: DatabaseTransaction, rows: readonly EventRow[]): Promise<number> {
  let stored = 0;
  for (const chunk of chunks(rows)) {
    const result = await transaction
      .insertInto('events')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    stored += Number(result.numInsertedOrUpdatedRows ?? 0n);
  }
  return stored;
}

function chunks<T>(rows: readonly T[]): readonly T[][] {
  const count = Math.ceil(rows.length / ROWS_PER_STATEMENT);
  return Array.from({ length: count }, (_, index) =>
    rows.slice(index * ROWS_PER_STATEMENT, (index + 1) * ROWS_PER_STATEMENT),
  );
}

async function settleAll(
  transaction: DatabaseTransaction,
  positions: readonly Settled[],
  { watermarks, nowMs }: { readonly watermarks: Watermarks; readonly nowMs: number },
): Promise<readonly Settled[]> {
  const marks = new Map<string, Settled>();
  for (const position of positions) {
    if (!watermarks.has(position)) await loadMark(transaction, position, watermarks);
    const { site, device, boot } = position;
    const seq = watermarks.settle(position, position.seq, nowMs);
    marks.set(`${site}/${device}/${boot}`, { site, device, boot, seq });
  }
  for (const chunk of chunks([...marks.values()].map((mark) => ({ ...mark, updated_at_ms: nowMs })))) {
    await transaction
      .insertInto('watermarks')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['site', 'device', 'boot']).doUpdateSet(({ ref }) => ({
          seq: ref('excluded.seq'),
          updated_at_ms: ref('excluded.updated_at_ms'),
        })),
      )
      .execute();
  }
  return [...marks.values()];
}

async function loadMark(transaction: DatabaseTransaction, position: Position, watermarks: Watermarks): Promise<void> {
  const { site, device, boot } = position;
  const row = await transaction
    .selectFrom('watermarks')
    .select('seq')
    .where('site', '=', site)
    .where('device', '=', device)
    .where('boot', '=', boot)
    .executeTakeFirst();
  const contiguous = row?.seq ?? 0;
  const ahead: number[] = [];
  for (const table of ['windows', 'events'] as const) {
    const rows = await transaction
      .selectFrom(table)
      .select('seq')
      .where('site', '=', site)
      .where('device', '=', device)
      .where('boot', '=', boot)
      .where('seq', '>', contiguous)
      .execute();
    ahead.push(...rows.map(({ seq }) => seq));
  }
  watermarks.load(position, contiguous, ahead);
}
