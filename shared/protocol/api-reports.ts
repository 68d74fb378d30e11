// Answers of /v1/rollouts/:id/report and /v1/releases/:reference/report: what was shown, where, and how sure it is.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { modelCardSchema } from '../release/model-card.ts';
import { verdictKindSchema, verdictSchema } from '../rollout/verdict.ts';
import { verificationSchema } from '../rollout/verification.ts';
import { incidentSummarySchema } from './api-incidents.ts';
import { releaseNoteSchema, releaseStateSchema } from './api-releases.ts';
import { rolloutDecisionSchema, rolloutStateSchema } from './api-rollouts.ts';
import { releaseRefSchema } from './documents.ts';

/** The newest verdict that a stage's decisions were taken from. */
const judgedSchema = z.looseObject({ stage: z.string(), seq: countSchema, atMs: timeSchema, verdict: verdictSchema });

/** One guardrail on the devices of one site and hardware class, from the evidence of the same decision. */
/** What the devices of one kind show under one guardrail. */
export const sliceCellSchema = z.looseObject({
  site: z.string(),
  hardwareClass: z.string(),
  devices: countSchema,
  controls: countSchema,
  /** Mean of the devices, less what the controls of the slice did meanwhile; and the lowest and highest device. */
  estimate: z.number(),
  low: z.number(),
  high: z.number(),
  /** Whether the estimate lies within the limit, no verdict: a few devices are not judged. Null: the limit has no plain number. */
  within: z.boolean().nullable(),
});

const sliceSchema = sliceCellSchema.extend({
  stage: z.string(),
  guardrail: z.string(),
  title: z.string(),
  limitText: z.string(),
  unit: z.string(),
});

/** What people brought in: change of the candidate's devices against their own past and the controls, in percent. */
const businessRowSchema = z.looseObject({
  metric: z.string(),
  title: z.string(),
  unit: z.string(),
  devices: countSchema,
  controls: countSchema,
  /** Share of the alerts that people have looked at, 0..1; null where reviews have no part in it. */
  reviewedShare: z.number().nullable(),
  /** With the range that it plausibly lies in (90 % each way); null: too little to say. */
  estimate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Of the guardrail or objective that asks for it; null: none does. */
  limitText: z.string().nullable(),
  verdict: verdictKindSchema.nullable(),
});

const archivedSchema = z.looseObject({ kind: z.string(), atMs: timeSchema, document: z.unknown() });
/** What a rollout file asked to keep. */
export const archiveSchema = z.looseObject({ archives: z.array(archivedSchema) });

const exposureRowSchema = z.looseObject({
  site: z.string(),
  hardwareClass: z.string(),
  devices: countSchema,
  /** Those whose newest role was this. */
  proved: countSchema,
  shadowed: countSchema,
  served: countSchema,
});

const stageTimeSchema = z.looseObject({
  name: z.string(),
  mode: z.enum(['golden', 'shadow', 'serve']),
  startedAtMs: timeSchema.nullable(),
  endedAtMs: timeSchema.nullable(),
});

export const rolloutReportSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  state: rolloutStateSchema,
  candidate: releaseRefSchema,
  baselines: z.array(releaseRefSchema),
  owners: z.looseObject({ primary: z.string(), backup: z.string() }),
  /** One sentence: how it stands or ended. */
  summary: z.string(),
  startedAtMs: timeSchema,
  endedAtMs: timeSchema.nullable(),
  stages: z.array(stageTimeSchema),
  exposure: z.array(exposureRowSchema),
  guardrails: z.array(judgedSchema),
  slices: z.array(sliceSchema),
  business: z.array(businessRowSchema).default([]),
  /** Oldest first. */
  timeline: z.array(rolloutDecisionSchema),
  incidents: z.array(incidentSummarySchema),
  verification: verificationSchema.nullable(),
  fileHash: z.string(),
  planHash: z.string(),
  statisticsVersions: z.array(z.string()),
});

export const releaseReportSchema = z.looseObject({
  release: releaseRefSchema,
  state: releaseStateSchema,
  owner: z.string(),
  changelog: z.string(),
  registeredAtMs: timeSchema,
  /** As registered with it; null: it has none. */
  card: modelCardSchema.nullable().default(null),
  /** The changelog that rollouts wrote back. */
  notes: z.array(releaseNoteSchema),
  /** Newest first. */
  rollouts: z.array(rolloutReportSchema),
});

export const REPORT_FORMATS = ['md', 'html', 'json'] as const;
export const reportQuerySchema = z.looseObject({ format: z.enum(REPORT_FORMATS).default('json') });

export type ReportFormat = (typeof REPORT_FORMATS)[number];
export type RolloutReport = z.infer<typeof rolloutReportSchema>;
export type ReleaseReport = z.infer<typeof releaseReportSchema>;
export type ReportBusiness = z.infer<typeof businessRowSchema>;
export type ArchiveAnswer = z.infer<typeof archiveSchema>;
export type ReportSlice = z.infer<typeof sliceSchema>;
export type ReportExposure = z.infer<typeof exposureRowSchema>;
