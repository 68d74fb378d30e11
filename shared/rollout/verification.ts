// What became of a rollback: whether the metrics of each device are back where they were before the rollout.
import { z } from 'zod';
import { timeSchema } from '../basics/identifiers.ts';

export const deviceCheckSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string(),
  /** In percent, or in the unit of the limit; null without evidence. */
  change: z.number().nullable(),
  /** `unclear`: above the limit, and within its own scatter. */
  result: z.enum(['back', 'worse', 'unclear', 'no-data']),
  /** The change, or why there is none, in words. */
  detail: z.string(),
});

export const verificationSchema = z.looseObject({
  /** `skipped`: the file says `verify: none`. `not-needed`: the candidate answered no live frame. */
  kind: z.enum(['verified', 'not-verified', 'skipped', 'not-needed']),
  sentence: z.string(),
  /** What had to hold, as in the file; null when nothing had to. */
  expr: z.string().nullable(),
  atMs: timeSchema,
  checks: z.array(deviceCheckSchema),
  /** Devices that were not reachable then; `backAtMs` of those that have come back to their own release since. */
  offline: z.array(z.looseObject({ site: z.string(), device: z.string(), backAtMs: timeSchema.nullable().optional() })),
});

export type DeviceCheck = z.infer<typeof deviceCheckSchema>;
export type Verification = z.infer<typeof verificationSchema>;
