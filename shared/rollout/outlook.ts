// What a plan can tell ahead: how alike its cohorts are, what each stage can see, when it may be done, what its guardrails would have
// said about recorded windows. Plain JSON; shown, and decided by nothing.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';

/** Where the figures come from: windows that devices sent, or an assumption that is said. */
export const outlookBasisSchema = z.enum(['recorded', 'assumed']);

/** One trait of candidates and controls of a stage. */
const parityRowSchema = z.looseObject({
  trait: z.string(),
  /** `12.1 ms`, `orin-nx 50 %`: of the candidates, and of the controls. */
  candidates: z.string(),
  controls: z.string(),
  /** Standardised difference; null where one side is not known. */
  difference: z.number().nullable(),
  /** Beyond the warning. */
  isFar: z.boolean(),
});

const parityStageSchema = z.looseObject({
  stage: z.string(),
  candidates: countSchema,
  controls: countSchema,
  rows: z.array(parityRowSchema),
});

/** The smallest regression that a stage finds in 9 of 10 rollouts. */
export const visibleSchema = z.looseObject({
  guardrail: z.string(),
  /** In the unit of the limit; null: none, with the reason. */
  value: z.number().nullable(),
  /** `+21 %`, `3 incidents`, or why there is none. */
  text: z.string(),
  basis: outlookBasisSchema,
});

/** What a guardrail said about one stretch of windows. */
export const dryVerdictSchema = z.looseObject({
  guardrail: z.string(),
  title: z.string(),
  enforce: z.enum(['observe', 'hold', 'rollback']),
  verdict: z.enum(['pass', 'breach', 'inconclusive', 'no-data']),
  sentence: z.string(),
  /** Moments that were looked at, and those at which it was broken. */
  moments: countSchema,
  broken: countSchema,
  firstBrokenAtMs: timeSchema.nullable(),
});

const outlookStageSchema = z.looseObject({
  stage: z.string(),
  mode: z.enum(['golden', 'shadow', 'serve']),
  candidates: countSchema,
  controls: countSchema,
  visible: z.array(visibleSchema),
  /** Baseline against itself; null where no windows were recorded for it. */
  dryRun: z.looseObject({ fromMs: timeSchema, toMs: timeSchema, verdicts: z.array(dryVerdictSchema) }).nullable(),
});

const finishStageSchema = z.looseObject({
  stage: z.string(),
  startsAtMs: timeSchema,
  endsAtMs: timeSchema,
  /** What its start waits for, by the calendar; null: nothing. */
  waits: z.string().nullable(),
  /** It goes on only when a person says so. */
  needsPerson: z.boolean(),
});

export const finishSchema = z.looseObject({
  stages: z.array(finishStageSchema),
  /** Null: the calendar never opens for it. */
  soonestAtMs: timeSchema.nullable(),
  /** With every extension used. */
  latestAtMs: timeSchema.nullable(),
  /** Time zone of each site, for reading the times; `UTC` where the file names none. */
  zones: z.record(z.string(), z.string()),
});

export const conflictSchema = z.looseObject({
  kind: z.enum(['rollout', 'cooldown', 'kill', 'pin', 'freeze', 'quarantine']),
  text: z.string(),
  /** It keeps the rollout from starting as it is. */
  blocks: z.boolean(),
});

export const reseedSchema = z.looseObject({
  salt: z.string(),
  tried: countSchema,
  /** Largest standardised difference before and after. */
  before: z.number(),
  after: z.number(),
});

export const outlookSchema = z.looseObject({
  /** Windows that it rests on; what was left out is said in `notes`. */
  recorded: z.looseObject({
    windows: countSchema,
    devices: countSchema,
    fromMs: timeSchema.nullable(),
    toMs: timeSchema.nullable(),
  }),
  parity: z.array(parityStageSchema),
  stages: z.array(outlookStageSchema),
  finish: finishSchema,
  conflicts: z.array(conflictSchema),
  reseed: reseedSchema.nullable(),
  notes: z.array(z.string()),
});

export type Outlook = z.infer<typeof outlookSchema>;
export type OutlookStage = z.infer<typeof outlookStageSchema>;
export type Visible = z.infer<typeof visibleSchema>;
export type DryVerdict = z.infer<typeof dryVerdictSchema>;
export type ParityStage = z.infer<typeof parityStageSchema>;
export type ParityRow = z.infer<typeof parityRowSchema>;
export type Finish = z.infer<typeof finishSchema>;
export type Conflict = z.infer<typeof conflictSchema>;
export type Reseed = z.infer<typeof reseedSchema>;
