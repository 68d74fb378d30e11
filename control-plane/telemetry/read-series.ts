// The windows of one device from the database into a picture. It reads page by page and lets others in between: a kill must not wait.
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { sensorsSchema } from '../../shared/measure/sensors.ts';
import { armSchema } from '../../shared/measure/window.ts';
import type { DeviceWindows } from '../../shared/protocol/api-device-windows.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { DeviceSeries, type SeriesRange } from '../core/device-series.ts';
import type { Queryable } from '../database/database.ts';

/** A few milliseconds of work. */
const PAGE_ROWS = 100;

/** The part of a stored window that a picture needs; the whole was checked when it came. */
const seriesWindowSchema = z.object({
  startAtMs: z.number(),
  endAtMs: z.number(),
  arms: z.array(
    z.object({
      release: armSchema.shape.release,
      role: armSchema.shape.role,
      answered: armSchema.shape.answered,
      activeMs: armSchema.shape.activeMs,
      errors: armSchema.shape.errors,
      latencyMs: armSchema.shape.latencyMs,
    }),
  ),
  sensors: z.object({
    temperatureC: sensorsSchema.shape.temperatureC,
    throttled: sensorsSchema.shape.throttled,
    batteryPct: sensorsSchema.shape.batteryPct,
  }),
});

/** Windows that began in the range, half-open. */
export async function readSeries(
  database: Queryable,
  { site, device }: DeviceAddress,
  range: SeriesRange,
): Promise<DeviceWindows> {
  const series = new DeviceSeries(range);
  let after = { startAtMs: range.fromMs, seq: -1 };
  for (;;) {
    const rows = await database
      .selectFrom('windows')
      .select(['start_at_ms', 'seq', 'document'])
      .where('site', '=', site)
      .where('device', '=', device)
      .where('start_at_ms', '<', range.toMs)
      .where(({ eb, and, or }) =>
        or([
          eb('start_at_ms', '>', after.startAtMs),
          and([eb('start_at_ms', '=', after.startAtMs), eb('seq', '>', after.seq)]),
        ]),
      )
      .orderBy('start_at_ms')
      .orderBy('seq')
      .limit(PAGE_ROWS)
      .execute();
    for (const row of rows) series.add(seriesWindowSchema.parse(JSON.parse(row.document)));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return series.finish();
    after = { startAtMs: last.start_at_ms, seq: last.seq };
    await setImmediate();
  }
}
