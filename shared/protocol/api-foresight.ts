// Bodies and answers of /v1/guardrails/test and /v1/rehearsals: what the guardrails of a rollout file would have said, and how often
// they would be wrong.
import { z } from 'zod';
import { countSchema, timeSchema } from '../basics/identifiers.ts';
import { dryVerdictSchema, outlookBasisSchema } from '../rollout/outlook.ts';
import { rolloutFileTextSchema } from './api-rollouts.ts';

export const guardrailTestBodySchema = z.looseObject({
  file: rolloutFileTextSchema,
  /** Default: the last 24 hours. */
  fromMs: timeSchema.optional(),
  toMs: timeSchema.optional(),
  /** A release whose own windows are judged; without one the baseline is judged against itself. */
  candidate: z.string().min(1).max(200).optional(),
});

/** A stretch of time in which a guardrail said the same: broken, or (at a look) not shown to be fine. */
const episodeSchema = z.looseObject({
  fromMs: timeSchema,
  toMs: timeSchema,
  verdict: z.enum(['breach', 'inconclusive', 'no-data']),
  /** What the rollout would have done. */
  action: z.enum(['rollback', 'hold', 'none']),
  sentence: z.string(),
});

const tallySchema = z.looseObject({
  ...dryVerdictSchema.omit({ moments: true, broken: true, firstBrokenAtMs: true }).shape,
  limitText: z.string(),
  /** Stretches that it was judged in, and how each of them ended at its look; broken at any moment counts as broken. */
  trials: countSchema,
  passed: countSchema,
  broken: countSchema,
  held: countSchema,
  episodes: z.array(episodeSchema),
});

export const guardrailTestSchema = z.looseObject({
  fromMs: timeSchema,
  toMs: timeSchema,
  /** `candidate`: windows of that release; `baseline`: the baseline against itself. */
  against: z.enum(['candidate', 'baseline']),
  candidate: z.string().nullable(),
  windows: countSchema,
  trials: z.array(
    z.looseObject({
      stage: z.string(),
      startAtMs: timeSchema,
      endAtMs: timeSchema,
      candidates: countSchema,
      controls: countSchema,
    }),
  ),
  guardrails: z.array(tallySchema),
  notes: z.array(z.string()),
});

export const REHEARSAL_RUNS_MAX = 1000;

export const rehearsalBodySchema = z.looseObject({
  file: rolloutFileTextSchema,
  runs: z.number().int().min(1).max(REHEARSAL_RUNS_MAX).default(60),
  seed: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31)
    .default(1),
});

const rehearsedGuardrailSchema = z.looseObject({
  guardrail: z.string(),
  title: z.string(),
  limitText: z.string(),
  enforce: z.enum(['observe', 'hold', 'rollback']),
  /** Runs in which there was evidence, and those in which it was broken by a candidate that is the baseline. */
  runs: countSchema,
  falseAlarms: countSchema,
  /** In percent, with the range that so many runs leave open (90 %); null without a run. */
  ratePct: z.number().nullable(),
  lowPct: z.number().nullable(),
  highPct: z.number().nullable(),
  /** Looks at the end of a stage that it passed, and all of them. */
  passed: countSchema,
  looks: countSchema,
  /** Smallest regression that each stage finds in 9 of 10 rollouts, over the runs: the middle one. */
  visible: z.array(z.looseObject({ stage: z.string(), value: z.number().nullable(), text: z.string() })),
  /** A sentence of one false alarm; null without. */
  example: z.string().nullable(),
});

export const rehearsalResultSchema = z.looseObject({
  basis: outlookBasisSchema,
  runs: countSchema,
  seed: countSchema,
  /** What the file allows, in percent. */
  allowedPct: z.number(),
  guardrails: z.array(rehearsedGuardrailSchema),
  notes: z.array(z.string()),
});

export const rehearsalSchema = z.looseObject({
  id: z.string(),
  state: z.enum(['running', 'done', 'stopped', 'failed']),
  startedAtMs: timeSchema,
  done: countSchema,
  runs: countSchema,
  /** Why it failed; else null. */
  reason: z.string().nullable(),
  result: rehearsalResultSchema.nullable(),
});

export const rehearsalPathSchema = z.looseObject({ id: z.string().min(1).max(64) });

export type GuardrailTestBody = z.infer<typeof guardrailTestBodySchema>;
export type GuardrailTest = z.infer<typeof guardrailTestSchema>;
export type GuardrailTally = z.infer<typeof tallySchema>;
export type Episode = z.infer<typeof episodeSchema>;
export type RehearsalBody = z.infer<typeof rehearsalBodySchema>;
export type Rehearsal = z.infer<typeof rehearsalSchema>;
export type RehearsalResult = z.infer<typeof rehearsalResultSchema>;
export type RehearsedGuardrail = z.infer<typeof rehearsedGuardrailSchema>;
