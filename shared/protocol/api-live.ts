// Answers of /v1/live and /v1/events: the fleet at a glance, and what changed since. A stream sends deltas; who misses one
// reads the snapshot again.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { incidentSummarySchema } from './api-incidents.ts';
import { killSummarySchema } from './api-kills.ts';
import { rolloutSummarySchema } from './api-rollouts.ts';

/** Worst first where several fit. `unknown`: connected, and no window has come yet. */
export const LIVE_CONDITIONS = [
  'halted',
  'offline',
  'killed',
  'reverted',
  'hot',
  'slow',
  'blocked',
  'unknown',
  'ok',
] as const;

/** One device on the wall. Numbers are those of its newest window; null: unknown, never 0. */
export const liveDeviceSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string().nullable(),
  line: z.string().nullable(),
  online: z.boolean(),
  lastSeenAtMs: timeSchema,
  condition: z.enum(LIVE_CONDITIONS),
  /** Why, in a few words; empty when it is ok. */
  because: z.string(),
  /** Id of the release that answers; null: none is known to. */
  release: z.string().nullable(),
  /** Of the release that answers, or `shadow` when a candidate looks on. */
  role: z.enum(['baseline', 'candidate', 'shadow']).nullable(),
  fps: z.number().nullable(),
  p95Ms: z.number().nullable(),
  temperatureC: z.number().nullable(),
  batteryPct: z.number().nullable(),
  windowAtMs: timeSchema.nullable(),
});

export const liveSnapshotSchema = z.looseObject({
  /** Of this life of the control plane; another one begins to count anew. */
  instance: z.string(),
  revision: countSchema,
  nowMs: timeSchema,
  devices: z.array(liveDeviceSchema),
  rollouts: z.array(rolloutSummarySchema),
  kills: z.array(killSummarySchema),
  incidents: z.array(incidentSummarySchema),
});

/** `value`: the new whole of it; null: gone, or (rollout, release, audit) only known to have changed. */
export const liveChangeSchema = z.discriminatedUnion('resource', [
  z.looseObject({ resource: z.literal('device'), id: z.string(), value: liveDeviceSchema.nullable() }),
  z.looseObject({ resource: z.literal('rollout'), id: z.string(), value: rolloutSummarySchema.nullable() }),
  z.looseObject({ resource: z.literal('kill'), id: z.string(), value: killSummarySchema.nullable() }),
  z.looseObject({ resource: z.literal('incident'), id: z.string(), value: incidentSummarySchema.nullable() }),
  z.looseObject({ resource: z.literal('release'), id: z.string(), value: z.null() }),
  z.looseObject({ resource: z.literal('audit'), id: z.string(), value: z.null() }),
]);

/** Data of the SSE event `changes`, whose id is `<instance>.<revision>`. `after` is the revision before it on this stream. */
export const liveBatchSchema = z.looseObject({
  instance: z.string(),
  after: countSchema,
  revision: countSchema,
  nowMs: timeSchema,
  changes: z.array(liveChangeSchema),
});

export const LIVE_TOPICS = ['device', 'rollout', 'kill', 'incident', 'release', 'audit'] as const;
/** `topics`: comma-separated; left out: all. */
export const liveQuerySchema = z.looseObject({ topics: z.string().max(100).optional() });

export type LiveDevice = z.infer<typeof liveDeviceSchema>;
export type LiveCondition = LiveDevice['condition'];
export type LiveSnapshot = z.infer<typeof liveSnapshotSchema>;
export type LiveChange = z.infer<typeof liveChangeSchema>;
export type LiveBatch = z.infer<typeof liveBatchSchema>;
export type LiveTopic = (typeof LIVE_TOPICS)[number];
