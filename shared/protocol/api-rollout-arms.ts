// Answer of /v1/rollouts/:id/arms: what both releases do by themselves, before anything is subtracted. Shown beside the verdicts,
// which compare each device with its own past, and never decided from.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';

/** `control`: devices that keep the baseline meanwhile, or the same devices beside a shadow. `past`: the candidate's own, before. */
const armNameSchema = z.enum(['candidate', 'control', 'past']);

const armSumSchema = z.looseObject({
  arm: armNameSchema,
  /** Null: devices of this arm run more than one release. */
  release: z.string().nullable(),
  /** Devices that were added up, of all that belong to it: a large fleet is sampled evenly. */
  devices: countSchema,
  devicesOf: countSchema,
  windows: countSchema,
  frames: countSchema,
  fromMs: timeSchema,
  toMs: timeSchema,
  /** Frame captured → answer ready, ms; null without answered frames. */
  latency: z
    .looseObject({
      p50: z.number(),
      p95: z.number(),
      p99: z.number(),
      /** Parallel to `tails`, shorter where there are too few frames to know the rest. */
      curve: z.array(z.number()),
    })
    .nullable(),
});

/** A plain value of one arm, with what it rests on: `21.4 ms` of `48,210 frames`. */
const armValueSchema = z.looseObject({
  arm: armNameSchema,
  value: z.number(),
  unit: z.string(),
  n: countSchema,
  counted: z.string(),
});

export const rolloutArmsSchema = z.looseObject({
  id: z.string(),
  nowMs: timeSchema,
  /** The newest stage in which the candidate has answered live frames; null: there is none yet. */
  stage: z.looseObject({ name: z.string(), mode: z.string() }).nullable(),
  arms: z.array(armSumSchema),
  /** Shares of frames that are slower than a point of `curve`: 1, … 0.1, … 0.001. */
  tails: z.array(z.number()),
  guardrails: z.array(z.looseObject({ guardrail: z.string(), values: z.array(armValueSchema) })),
});

export type RolloutArms = z.infer<typeof rolloutArmsSchema>;
export type ArmName = z.infer<typeof armNameSchema>;
export type ArmSum = z.infer<typeof armSumSchema>;
export type ArmValue = z.infer<typeof armValueSchema>;
