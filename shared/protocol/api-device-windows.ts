// Answer of /v1/devices/:site/:device/windows: what a device has reported over time, thinned for a picture.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';

export const SERIES_POINTS_MAX = 500;
/** Longer ranges would read more windows than a page is worth. */
export const SERIES_RANGE_MAX_MS = 8 * 24 * 60 * 60 * 1000;

/** Both in epoch milliseconds; left out: the last 24 hours until now. */
export const deviceWindowsQuerySchema = z.looseObject({
  from: z.coerce.number().pipe(timeSchema).optional(),
  to: z.coerce.number().pipe(timeSchema).optional(),
});

/** One or more windows as one. Null: no evidence, never 0. */
export const seriesPointSchema = z.looseObject({
  /** End of its last window, by the device's clock. */
  atMs: timeSchema,
  windows: countSchema,
  /** Of what answered live frames. */
  fps: z.number().nullable(),
  p95Ms: z.number().nullable(),
  errors: countSchema,
  /** The same of a candidate in the shadow. */
  shadowP95Ms: z.number().nullable(),
  /** Release and role that answered most of its frames. */
  release: z.string().nullable(),
  role: z.enum(['baseline', 'candidate']).nullable(),
  /** The highest. */
  temperatureC: z.number().nullable(),
  throttled: z.boolean().nullable(),
  /** The lowest. */
  batteryPct: z.number().nullable(),
});

export const deviceWindowsSchema = z.looseObject({
  fromMs: timeSchema,
  toMs: timeSchema,
  /** Windows read, before thinning. */
  windows: countSchema,
  points: z.array(seriesPointSchema).max(SERIES_POINTS_MAX),
  /** When another release began to answer. */
  changes: z.array(z.looseObject({ atMs: timeSchema, release: z.string(), role: z.string() })),
});

export type DeviceWindows = z.infer<typeof deviceWindowsSchema>;
export type SeriesPoint = z.infer<typeof seriesPointSchema>;
