// Limits that a device judges by itself, with no network. Every one has a default, so that a device is never without.
import { z } from 'zod';

const durationSchema = z.number().int().positive();
const ratioSchema = z.number().positive().nullable();

/** A limit that may be null is switched off by it. `…ForMs` is the dwell: only what lasts that long is a breach. */
export const deviceLimitsSchema = z.looseObject({
  /** Candidate answers per second below this for `fpsForMs` → breach. Null: no floor. */
  fpsFloor: z.number().positive().nullable().default(null),
  fpsForMs: durationSchema.default(30_000),
  /** Candidate p95 latency above this multiple of the device's own baseline p95 for `latencyForMs` → breach. */
  latencyRatio: ratioSchema.default(4),
  latencyForMs: durationSchema.default(30_000),
  /** Consecutive frames that failed or answered with numbers that are not finite → breach. */
  errorStreak: z.number().int().positive().default(5),
  /** Ends of the candidate's runner for want of memory that set it aside; a crash or a hang always does at once. */
  oomStrikes: z.number().int().positive().default(2),
  /** Nothing found for this long where the baseline finds something in the same frames → breach. */
  emptyForMs: durationSchema.nullable().default(30_000),
  /** Alerts (objects of a critical class; of any class where none is critical) above this multiple of the baseline's → breach. */
  alertRatio: ratioSchema.default(5),
  alertForMs: durationSchema.default(60_000),
  /** Fewer alerts than this within `alertForMs` are no burst. */
  alertsMin: z.number().int().positive().default(20),
  temperatureCeilingC: z.number().nullable().default(92),
  temperatureForMs: durationSchema.default(10_000),
  /** Throttling that began with the candidate and lasts → suspended. */
  throttleForMs: durationSchema.nullable().default(30_000),
  batteryFloorPct: z.number().min(0).max(100).nullable().default(20),
  batteryForMs: durationSchema.default(10_000),
  /** Battery drained faster than this multiple of what the baseline drew before → suspended. */
  batteryDrainRatio: ratioSchema.default(2),
  batteryDrainForMs: durationSchema.default(900_000),
  /** Private memory of the candidate's runners that keeps growing, in MB per minute, after its warm-up → breach. */
  rssSlopeMbPerMin: ratioSchema.default(10),
  rssSlopeForMs: durationSchema.default(300_000),
  /** A candidate that was taken off without quarantine stays away this long; the second time twice as long. */
  coolDownMs: durationSchema.default(600_000),
  /** Frame deadline: max(floor, ratio × rolling p99), never above the cap. */
  deadlineFloorMs: durationSchema.default(250),
  deadlineRatio: z.number().positive().default(3),
  deadlineCapMs: durationSchema.default(10_000),
  /** Missed deadlines within `deadlineWindowMs` → breach. */
  deadlineMisses: z.number().int().positive().default(3),
  deadlineWindowMs: durationSchema.default(60_000),
});

export type DeviceLimits = z.infer<typeof deviceLimitsSchema>;

export const DEFAULT_LIMITS: DeviceLimits = deviceLimitsSchema.parse({});
