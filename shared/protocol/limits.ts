// Limits that a device judges by itself, with no network. Every one has a default, so that a device is never without.
import { z } from 'zod';

export const deviceLimitsSchema = z.looseObject({
  /** Candidate answers per second below this for `fpsForMs` → breach. Null: no floor. */
  fpsFloor: z.number().positive().nullable().default(null),
  fpsForMs: z.number().int().positive().default(30_000),
  /** Candidate p95 latency above this multiple of the device's own baseline p95 for `latencyForMs` → breach. */
  latencyRatio: z.number().positive().nullable().default(4),
  latencyForMs: z.number().int().positive().default(30_000),
  /** Consecutive frames that failed or answered with numbers that are not finite → breach. */
  errorStreak: z.number().int().positive().default(5),
  temperatureCeilingC: z.number().nullable().default(92),
  temperatureForMs: z.number().int().positive().default(10_000),
  batteryFloorPct: z.number().min(0).max(100).nullable().default(20),
  /** Frame deadline: max(floor, ratio × rolling p99), never above the cap. */
  deadlineFloorMs: z.number().int().positive().default(250),
  deadlineRatio: z.number().positive().default(3),
  deadlineCapMs: z.number().int().positive().default(10_000),
  /** Missed deadlines within `deadlineWindowMs` → breach. */
  deadlineMisses: z.number().int().positive().default(3),
  deadlineWindowMs: z.number().int().positive().default(60_000),
});

export type DeviceLimits = z.infer<typeof deviceLimitsSchema>;

export const DEFAULT_LIMITS: DeviceLimits = deviceLimitsSchema.parse({});
