// Bodies and answers of /v1/incidents: what happened, with which figures, to which devices, and who did what.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { verdictSchema } from '../rollout/verdict.ts';
import { verificationSchema } from '../rollout/verification.ts';
import { nextCursor, pageQuery } from './api-paging.ts';
import { actorSchema } from './api-releases.ts';
import { rolloutStateSchema } from './api-rollouts.ts';
import { releaseRefSchema } from './documents.ts';

export const incidentKindSchema = z.enum(['held', 'killed', 'rolled-back', 'aborted']);

const rollForwardSchema = z.looseObject({ text: z.string(), actor: z.string(), atMs: timeSchema });

export const incidentSummarySchema = z.looseObject({
  id: z.string(),
  rolloutId: z.string(),
  rolloutName: z.string(),
  kind: incidentKindSchema,
  /** The reason of the decision that made it what it is. */
  title: z.string(),
  candidate: releaseRefSchema,
  openedAtMs: timeSchema,
  /** Null while it is open. */
  closedAtMs: timeSchema.nullable(),
  closedBecause: z.string().nullable(),
  rollForward: rollForwardSchema.nullable(),
});

export const timelineEntrySchema = z.looseObject({
  atMs: timeSchema,
  what: z.enum(['decision', 'device', 'kill', 'verification', 'return', 'note']),
  actor: z.string(),
  text: z.string(),
});

/** One release in one role on the devices of one site and hardware class; sketches merged over devices and windows. */
export const telemetryRowSchema = z.looseObject({
  site: z.string(),
  hardwareClass: z.string(),
  /** `before`: the baseline before the rollout. `meanwhile`: the baseline since. `candidate`, `shadow`: the candidate. */
  arm: z.enum(['before', 'meanwhile', 'candidate', 'shadow']),
  devices: countSchema,
  windows: countSchema,
  frames: countSchema,
  /** Null without evidence. */
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  fps: z.number().nullable(),
  errors: countSchema,
  /** Windows left out: partial, spanning a switch, or a camera that is not healthy. */
  excluded: countSchema,
});

export const incidentDeviceSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string(),
  role: z.enum(['none', 'prove', 'shadow', 'serve']),
  stage: z.string().nullable(),
  activatedAtMs: timeSchema.nullable(),
  baseline: releaseRefSchema,
  /** What became of it, in words. */
  outcome: z.string(),
});

export const incidentSchema = z.looseObject({
  ...incidentSummarySchema.shape,
  state: rolloutStateSchema,
  stage: z.string(),
  owners: z.looseObject({ primary: z.string(), backup: z.string() }),
  baselines: z.array(releaseRefSchema),
  decision: z.looseObject({ seq: countSchema, rule: z.string(), actor: z.string(), reason: z.string() }),
  fileHash: z.string(),
  planHash: z.string(),
  statisticsVersion: z.string(),
  timeline: z.array(timelineEntrySchema),
  /** Entries beyond what is listed. */
  timelineOmitted: countSchema,
  /** As they were judged for the decision. */
  verdicts: z.array(verdictSchema),
  /** Null: not taken yet. */
  telemetry: z.array(telemetryRowSchema).nullable(),
  devices: z.array(incidentDeviceSchema),
  people: z.array(z.looseObject({ actor: z.string(), did: z.array(z.string()) })),
  verification: verificationSchema.nullable(),
  notes: z.array(z.looseObject({ atMs: timeSchema, actor: z.string(), text: z.string() })),
});

export const incidentListSchema = z.looseObject({ incidents: z.array(incidentSummarySchema), ...nextCursor });
export const incidentListQuerySchema = z.looseObject({ rollout: z.string().max(64).optional(), ...pageQuery });
export const incidentPathSchema = z.looseObject({ id: z.string().min(1).max(80) });

const noteTextSchema = z.string().trim().min(1, 'must say something').max(4000);

export const annotateBodySchema = z
  .looseObject({
    actor: actorSchema,
    text: noteTextSchema.optional(),
    /** How it goes on from here; replaces the plan before, which stays in the notes. */
    rollForward: noteTextSchema.optional(),
  })
  .refine(({ text, rollForward }) => text !== undefined || rollForward !== undefined, {
    path: ['text'],
    message: 'give text, rollForward or both',
  });

export const exportQuerySchema = z.looseObject({ format: z.enum(['md', 'json', 'html']).default('md') });

export type IncidentKind = z.infer<typeof incidentKindSchema>;
export type IncidentSummary = z.infer<typeof incidentSummarySchema>;
export type Incident = z.infer<typeof incidentSchema>;
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;
export type TelemetryRow = z.infer<typeof telemetryRowSchema>;
export type IncidentDevice = z.infer<typeof incidentDeviceSchema>;
export type AnnotateBody = z.infer<typeof annotateBodySchema>;
