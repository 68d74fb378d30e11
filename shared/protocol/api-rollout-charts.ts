// Answers of /v1/rollouts/:id/course and /v1/rollouts/:id/evidence: what the pictures of a rollout are drawn from. Shown, never
// decided from.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { verdictKindSchema } from '../rollout/verdict.ts';
import { sliceCellSchema } from './api-reports.ts';

const column = z.array(z.number().nullable());

/** One guardrail over time: columns that run parallel to `atMs`; null where it was not judged, or had no evidence. */
const courseLineSchema = z.looseObject({
  guardrail: z.string(),
  verdict: z.array(verdictKindSchema.nullable()),
  /** In the unit of the verdict, as is the limit that was in force then. */
  estimate: column,
  low: column,
  high: column,
  limitLow: column,
  limitHigh: column,
  n: column,
});

const markSchema = z.looseObject({
  atMs: timeSchema,
  /** `stage`: one begins. `decision`: a hold, a rollback, an end. */
  kind: z.enum(['stage', 'decision']),
  text: z.string(),
});

/** How the verdicts of a rollout went. Old moments are thinned out; those at which a verdict turned stay longest. */
export const rolloutCourseSchema = z.looseObject({
  id: z.string(),
  nowMs: timeSchema,
  /** Oldest first; at most `pointsMax`. */
  atMs: z.array(timeSchema),
  pointsMax: countSchema,
  guardrails: z.array(courseLineSchema),
  marks: z.array(markSchema),
});

/** What one device says about a guardrail, in the unit of its limit. */
const devicePointSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string(),
  arm: z.enum(['candidate', 'control']),
  value: z.number(),
});

const armSchema = z.looseObject({ devices: countSchema, mean: z.number() });

const guardrailEvidenceSchema = z.looseObject({
  guardrail: z.string(),
  title: z.string(),
  limitText: z.string(),
  unit: z.string(),
  limitLow: z.number().nullable(),
  limitHigh: z.number().nullable(),
  /** `change`: of each device against its own past. `value`: as it is. */
  shows: z.enum(['change', 'value']),
  /** Null without devices. */
  candidate: armSchema.nullable(),
  control: armSchema.nullable(),
  cells: z.array(sliceCellSchema),
  /** Null: not asked for (`?guardrail=`). */
  points: z.array(devicePointSchema).nullable(),
  /** Devices that are left out of `points`; those shown are spread evenly over all values. */
  pointsOmitted: countSchema,
});

/** What both releases said of the same frames, by class. */
const shadowClassSchema = z.looseObject({
  class: z.string(),
  baselineConfident: countSchema,
  candidateConfident: countSchema,
  /** Confident answers of the baseline that the candidate gives too. */
  agreed: countSchema,
  lost: countSchema,
  gained: countSchema,
  wrongClass: countSchema,
});

const shadowSchema = z.looseObject({
  /** Newest windows that were added up, and whether there are older ones. */
  windows: countSchema,
  isPartial: z.boolean(),
  devices: countSchema,
  fromMs: timeSchema,
  toMs: timeSchema,
  /** Frames that both releases answered, of those the shadow was offered. */
  frames: countSchema,
  offered: countSchema,
  /** Most disagreement first. */
  classes: z.array(shadowClassSchema),
});

export const rolloutEvidenceSchema = z.looseObject({
  id: z.string(),
  nowMs: timeSchema,
  /** The judged moment it belongs to; null: nothing has been judged yet. `seq`: of the decision that kept it. */
  seen: z.looseObject({ atMs: timeSchema, stage: z.string(), seq: countSchema.nullable() }).nullable(),
  guardrails: z.array(guardrailEvidenceSchema),
  /** Null: no shadow has looked on, or its windows are gone. */
  shadow: shadowSchema.nullable(),
});

export const rolloutEvidenceQuerySchema = z.looseObject({
  /** Id of the guardrail whose devices are wanted one by one. */
  guardrail: z.string().max(200).optional(),
});

export type RolloutCourse = z.infer<typeof rolloutCourseSchema>;
export type CourseLine = z.infer<typeof courseLineSchema>;
export type CourseMark = z.infer<typeof markSchema>;
export type RolloutEvidence = z.infer<typeof rolloutEvidenceSchema>;
export type GuardrailEvidence = z.infer<typeof guardrailEvidenceSchema>;
export type DevicePoint = z.infer<typeof devicePointSchema>;
export type EvidenceCell = z.infer<typeof sliceCellSchema>;
export type ShadowClass = z.infer<typeof shadowClassSchema>;
export type ShadowEvidence = z.infer<typeof shadowSchema>;
