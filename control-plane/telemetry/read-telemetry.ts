// The read side of telemetry: windows and events as other rooms judge and show them.
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import type { StoredEvent } from '../../shared/protocol/api-devices.ts';
import { type EventKind, eventSchema } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Queryable } from '../database/database.ts';

export type WindowQuery = {
  readonly devices: readonly DeviceAddress[];
  /** Windows that began at or after this, by the device's clock. */
  readonly fromMs: number;
  /** Windows that began before this. */
  readonly toMs: number;
};

/** Half-open by the window's start, so that neighbouring questions never count a window twice. Oldest first. */
export async function windowsBetween(database: Queryable, query: WindowQuery): Promise<readonly Window[]> {
  const windows: Window[] = [];
  for (const { site, device } of query.devices) {
    const rows = await database
      .selectFrom('windows')
      .select('document')
      .where('site', '=', site)
      .where('device', '=', device)
      .where('start_at_ms', '>=', query.fromMs)
      .where('start_at_ms', '<', query.toMs)
      .orderBy('start_at_ms')
      .execute();
    for (const row of rows) windows.push(windowSchema.parse(JSON.parse(row.document)));
  }
  return windows;
}

export type EventQuery = {
  /** Arrived after this one; 0 = from the beginning. */
  readonly afterId: number;
  readonly limit: number;
  readonly device?: DeviceAddress | undefined;
  readonly kinds?: readonly EventKind[] | undefined;
  readonly digest?: string | undefined;
  /** Received at or after this, by our clock. */
  readonly sinceMs?: number | undefined;
};

/** In order of arrival: `id` is the cursor. */
export async function eventsSince(database: Queryable, query: EventQuery): Promise<readonly StoredEvent[]> {
  let rows = database.selectFrom('events').selectAll().where('id', '>', query.afterId).orderBy('id').limit(query.limit);
  if (query.device) rows = rows.where('site', '=', query.device.site).where('device', '=', query.device.device);
  if (query.kinds) rows = rows.where('kind', 'in', [...query.kinds]);
  if (query.digest !== undefined) rows = rows.where('digest', '=', query.digest);
  if (query.sinceMs !== undefined) rows = rows.where('received_at_ms', '>=', query.sinceMs);
  return (await rows.execute()).map(toStoredEvent);
}

/** Newest first. */
export async function lastEvents(
  database: Queryable,
  device: DeviceAddress,
  { limit, beforeId = null }: { readonly limit: number; readonly beforeId?: number | null },
): Promise<readonly StoredEvent[]> {
  let rows = database
    .selectFrom('events')
    .selectAll()
    .where('site', '=', device.site)
    .where('device', '=', device.device)
    .orderBy('id', 'desc')
    .limit(limit);
  if (beforeId !== null) rows = rows.where('id', '<', beforeId);
  return (await rows.execute()).map(toStoredEvent);
}

export type DeviceSeen = DeviceAddress & { readonly firstSeenAtMs: number; readonly lastSeenAtMs: number };

export async function devicesSeen(database: Queryable): Promise<readonly DeviceSeen[]> {
  const rows = await database
    .selectFrom('devices')
    .select(['site', 'device', 'first_seen_at_ms', 'last_seen_at_ms'])
    .orderBy('site')
    .orderBy('device')
    .execute();
  return rows.map((row) => ({
    site: row.site,
    device: row.device,
    firstSeenAtMs: row.first_seen_at_ms,
    lastSeenAtMs: row.last_seen_at_ms,
  }));
}

function toStoredEvent(row: {
  readonly id: number;
  readonly received_at_ms: number;
  readonly document: string;
}): StoredEvent {
  return { id: row.id, receivedAtMs: row.received_at_ms, event: eventSchema.parse(JSON.parse(row.document)) };
}
