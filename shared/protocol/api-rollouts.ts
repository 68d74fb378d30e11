// Bodies and answers of /v1/rollouts. The `get` answer holds everything that a watching person needs on one screen.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { outlookSchema } from '../rollout/outlook.ts';
import { planSchema } from '../rollout/plan.ts';
import { verdictSchema } from '../rollout/verdict.ts';
import { verificationSchema } from '../rollout/verification.ts';
import { nextCursor, pageQuery } from './api-paging.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';
import { revisionSchema } from './api-revisions.ts';
import { releaseRefSchema } from './documents.ts';
import { ROLLOUT_STATES, type RolloutState } from './rollout-states.ts';

/** 64 KiB, as the reader of rollout files. */
export const rolloutFileTextSchema = z.string().min(1).max(65_536);

export const rolloutPlanBodySchema = z.looseObject({
  file: rolloutFileTextSchema,
  /** Look for another salt, whose cohorts are more like their controls. Only before the start. */
  reseed: z.boolean().optional(),
});
export const rolloutStartBodySchema = z.looseObject({
  file: rolloutFileTextSchema,
  actor: actorSchema,
  reason: reasonSchema,
  /** Also during the cool-down after a rollback of the same candidate. */
  override: z.boolean().optional(),
  /** In place of rollouts that have these devices: they are rolled back first, and this one begins when they are. */
  supersede: z.boolean().optional(),
});

/** A mistake in the file, with its place; line and column are 1-based. */
export const fileProblemSchema = z.looseObject({
  line: z.number().int(),
  column: z.number().int(),
  path: z.string(),
  message: z.string(),
});

/** A file with mistakes is an answer too: `plan` is null and `problems` lists all of them. */
export const rolloutPlanSchema = z.looseObject({
  plan: planSchema.nullable(),
  problems: z.array(fileProblemSchema),
  /** What can be told ahead; null without a plan, and where it could not be worked out (`outlookMissing` says why). */
  outlook: outlookSchema.nullable().default(null),
  outlookMissing: z.string().nullable().default(null),
});

export const ROLLOUT_VERBS = ['hold', 'resume', 'approve', 'promote', 'rollback', 'abort'] as const;
export const rolloutVerbSchema = z.enum(ROLLOUT_VERBS);
export const rolloutActBodySchema = z.looseObject({
  actor: actorSchema,
  reason: reasonSchema,
  /** promote: also without enough evidence. Never over a breach, a kill or missing devices. */
  override: z.boolean().optional(),
  /** abort: leave exposed devices on the candidate. */
  keep: z.boolean().optional(),
  /** approve: `planHash` of the rollout as the approver has seen it; refused when the plan is another one by now. */
  planHash: digestSchema.optional(),
});
export const rolloutPathSchema = z.looseObject({ id: z.string().min(1).max(64) });
export const rolloutVerbPathSchema = z.looseObject({ id: z.string().min(1).max(64), verb: rolloutVerbSchema });

export const rolloutStateSchema = z.enum(ROLLOUT_STATES);
/** Where a running stage is; `committing`: every stage is done and devices make the candidate their baseline. */
export const rolloutPhaseSchema = z.enum(['settling', 'baking', 'look', 'committing']);

export const exposureSchema = z.looseObject({
  /** Devices that shall have the candidate in this stage. */
  assigned: countSchema,
  reachable: countSchema,
  /** Devices that report the candidate in the role of this stage. */
  exposed: countSchema,
  /** Exposed devices with a recent window. */
  reporting: countSchema,
  /** Exposed devices with enough evidence to be judged. */
  evaluated: countSchema,
  /** Devices that went back by themselves or refused the candidate. */
  reverted: countSchema,
  /** Exposed devices that went silent. */
  dark: countSchema,
});

const stageViewSchema = z.looseObject({
  name: z.string(),
  mode: z.enum(['golden', 'shadow', 'serve']),
  percent: z.number().nullable(),
  count: z.number().nullable(),
  /** Devices planned (or, once reached, assigned). */
  devices: countSchema,
  bakeMs: countSchema,
  extend: z.looseObject({ times: countSchema, eachMs: countSchema }),
  promote: z.enum(['auto', 'manual', 'approval']),
  /** How many it needs with promote: approval; else 0. */
  approvals: countSchema.default(0),
  /** Share of each site that this stage leaves on the baseline, in percent. */
  holdbackPct: z.number().default(0),
  status: z.enum(['done', 'current', 'pending']),
  startedAtMs: timeSchema.nullable(),
  endedAtMs: timeSchema.nullable(),
});

const factoryViewSchema = z.looseObject({
  site: z.string(),
  devices: countSchema,
  /** Devices of this site that shall have the candidate now, and those that report it. */
  candidate: countSchema,
  exposed: countSchema,
  controls: countSchema,
  online: countSchema,
  reverted: countSchema,
  byHardware: z.record(z.string(), countSchema),
  /** It was taken back alone, in words; null when it takes part. */
  out: z.string().nullable().default(null),
});

const deviceViewSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  hardwareClass: z.string(),
  line: z.string().nullable(),
  arm: z.enum(['candidate', 'baseline']),
  role: z.enum(['none', 'prove', 'shadow', 'serve']),
  online: z.boolean(),
  exposed: z.boolean(),
  reverted: z.boolean(),
  activatedAtMs: timeSchema.nullable(),
  serving: releaseRefSchema.nullable(),
  baseline: releaseRefSchema,
  /** In words: what it does, or why it does not. */
  detail: z.string(),
});

export const rolloutDecisionSchema = z.looseObject({
  seq: countSchema,
  atMs: timeSchema,
  kind: z.string(),
  rule: z.string(),
  actor: z.string(),
  reason: z.string(),
  fromState: z.string(),
  toState: z.string(),
  stage: z.string(),
  /** The revision of the file that was in force after it. */
  revision: countSchema.default(1),
});

/** Approvals of the current stage, bound to the plan as it is stored. */
const approvalsViewSchema = z.looseObject({
  stage: z.string(),
  needed: countSchema,
  given: z.array(z.looseObject({ actor: z.string(), reason: z.string(), atMs: timeSchema })),
  /** Who may still approve; empty: everybody but the one who started it. */
  approvers: z.array(z.string()),
});

const rolloutHead = {
  id: z.string(),
  name: z.string(),
  state: rolloutStateSchema,
  phase: rolloutPhaseSchema.nullable(),
  /** The kill that covers the candidate, in words; null when there is none. */
  killed: z.string().nullable(),
  candidate: releaseRefSchema,
  /** One sentence: where it stands and why. */
  status: z.string(),
  stage: z.string(),
  stageIndex: countSchema,
  stageCount: countSchema,
  createdAtMs: timeSchema,
  endedAtMs: timeSchema.nullable(),
  /** Who answers for it; null: an older version does not say. */
  owner: z.string().nullable().default(null),
  /** Sites of its plan. */
  sites: z.array(z.string()).default([]),
  /** When the stage is looked at next; null when nothing is scheduled. */
  nextDecisionAtMs: timeSchema.nullable().default(null),
};

export const rolloutSummarySchema = z.looseObject(rolloutHead);

export const rolloutViewSchema = z.looseObject({
  ...rolloutHead,
  nowMs: timeSchema,
  version: countSchema,
  labels: planSchema.shape.labels,
  ticket: planSchema.shape.ticket,
  owners: planSchema.shape.owners,
  baselines: planSchema.shape.baselines,
  stages: z.array(stageViewSchema),
  extensionsUsed: countSchema,
  /** Null: unknown, it was started by an older version. */
  startedBy: z.string().nullable().default(null),
  /** Null: the current stage is promoted without. */
  approvals: approvalsViewSchema.nullable().default(null),
  /** Why no device may be added now, by the schedule; null when it may. */
  closed: z.string().nullable().default(null),
  holdReason: z.string().nullable(),
  exposure: exposureSchema,
  controls: countSchema,
  factories: z.array(factoryViewSchema),
  devices: z.array(deviceViewSchema),
  /** Verdicts of this stage; when the rollout has ended, those of the last decision. */
  guardrails: z.array(verdictSchema),
  /** Newest first. */
  decisions: z.array(rolloutDecisionSchema),
  /** How its rollback was verified; null when it did not go back, or is not back yet. */
  verification: verificationSchema.nullable().default(null),
  /** Number of the file that it follows; 1 is the one it was started with. */
  revision: countSchema.default(1),
  /** Oldest first: every file that was in force or asked for. */
  revisions: z.array(revisionSchema).default([]),
  fileText: z.string(),
  fileHash: z.string(),
  planHash: z.string(),
  statisticsVersion: z.string(),
});

export const rolloutListQuerySchema = z.looseObject({
  /** Only those in this state; `active`: all that have not ended. */
  state: z.union([rolloutStateSchema, z.literal('active')]).optional(),
  ...pageQuery,
});
export const rolloutListSchema = z.looseObject({ rollouts: z.array(rolloutSummarySchema), ...nextCursor });

/** Why it is where it is: sentences, most important first, and what a person can do. */
export const rolloutWhySchema = z.looseObject({
  id: z.string(),
  atMs: timeSchema,
  summary: z.string(),
  sentences: z.array(z.string()),
  whatYouCanDo: z.array(z.string()),
});

export type RolloutPlanAnswer = z.infer<typeof rolloutPlanSchema>;
export type RolloutVerb = z.infer<typeof rolloutVerbSchema>;
export type RolloutActBody = z.infer<typeof rolloutActBodySchema>;
export type { RolloutState };
export type RolloutPhase = z.infer<typeof rolloutPhaseSchema>;
export type ExposureCounts = z.infer<typeof exposureSchema>;
export type RolloutSummary = z.infer<typeof rolloutSummarySchema>;
export type RolloutView = z.infer<typeof rolloutViewSchema>;
export type RolloutDecision = z.infer<typeof rolloutDecisionSchema>;
export type RolloutWhy = z.infer<typeof rolloutWhySchema>;
