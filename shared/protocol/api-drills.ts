// Bodies and answers of /v1/drills: rehearsals of a failed candidate, on a simulated fleet or on chosen devices, and what
// they measured. Times of a result count from the first bad frame.
import { z } from 'zod';
import { countSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { drillFailureSchema } from '../release/drill.ts';
import { nextCursor } from './api-paging.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';

/** On the simulated fleet: `devices` in all, at four factories. */
const simulatedScopeSchema = z.looseObject({
  devices: z.number().int().min(8).max(2000).default(200),
  seed: z.number().int().min(1).max(1_000_000_000).default(1),
});

/** On real devices of one factory, by name. */
const agentsScopeSchema = z.looseObject({ site: nameSchema, devices: z.array(nameSchema).min(1).max(100) });

export const drillStartBodySchema = z.looseObject({
  failure: drillFailureSchema,
  actor: actorSchema,
  reason: reasonSchema,
  /** Exactly one of the two. */
  simulated: simulatedScopeSchema.optional(),
  agents: agentsScopeSchema.optional(),
  /** Rollout file whose guardrails, analysis, limits, lease and abort rules are rehearsed; its stages and cohort are not. */
  file: z.string().min(1).max(65_536).optional(),
});

const promiseSchema = z.looseObject({
  id: z.enum(['first-bad-frame-to-back', 'decision-to-back']),
  what: z.string(),
  limitMs: countSchema,
  /** Null: it did not come to that. */
  tookMs: z.number().nonnegative().nullable(),
  kept: z.boolean(),
});

export const drillResultSchema = z.looseObject({
  passed: z.boolean(),
  /** What was found, how long it took, and what is not kept: for people. */
  sentence: z.string(),
  /** Devices that were meant to get it, and devices that answered a frame with it (bad golden: that tried it). */
  assigned: countSchema,
  exposed: countSchema,
  detectedAfterMs: z.number().nonnegative().nullable(),
  detectedBy: z.string().nullable(),
  decidedAfterMs: z.number().nonnegative().nullable(),
  decidedBy: z.string().nullable(),
  backAfterMs: z.number().nonnegative().nullable(),
  /** Devices that did not report frames answered by their baseline, by name. */
  stragglers: z.array(z.string()),
  promises: z.array(promiseSchema),
  timeline: z.array(z.looseObject({ afterMs: z.number(), text: z.string() })),
  /** What it takes for granted. */
  assumptions: z.array(z.string()),
});

export const drillSchema = z.looseObject({
  id: z.string(),
  failure: drillFailureSchema,
  mode: z.enum(['simulated', 'agents']),
  state: z.enum(['running', 'passed', 'failed']),
  actor: z.string(),
  reason: z.string(),
  startedAtMs: timeSchema,
  endedAtMs: timeSchema.nullable(),
  /** In words: how many simulated devices, or which real ones. */
  scope: z.string(),
  /** Of a drill on devices: the rollout that it runs as. */
  rolloutId: z.string().nullable(),
  result: drillResultSchema.nullable(),
});

export const drillListSchema = z.looseObject({ drills: z.array(drillSchema), ...nextCursor });
export const drillPathSchema = z.looseObject({ id: z.string().min(1).max(64) });

export type DrillStartBody = z.infer<typeof drillStartBodySchema>;
export type SimulatedScope = z.infer<typeof simulatedScopeSchema>;
export type AgentsScope = z.infer<typeof agentsScopeSchema>;
export type DrillResult = z.infer<typeof drillResultSchema>;
export type Drill = z.infer<typeof drillSchema>;
