// The rollout file: what a user writes to move devices from a baseline release to a candidate. Shapes and defaults only;
// read-rollout-file.ts adds positions, and checks that need several fields live in cross-checks.ts.
import { z } from 'zod';
import { type DeviceLimits, deviceLimitsSchema } from '../protocol/limits.ts';
import { parseReleaseReference } from '../release/identity.ts';
import { analysisSchema, type minimumSchema, minimumShape } from './analysis-section.ts';
import { cohortSchema } from './cohort-section.ts';
import { deviceRuleSchema, localLimits } from './device-rule.ts';
import { durationSchema } from './duration-field.ts';
import { parseDuration } from './durations.ts';
import { expressionSchema } from './expression-field.ts';
import { INCIDENT_TEXT } from './incidents.ts';
import { leaseSectionSchema, siteLeaseSchema } from './lease-section.ts';
import { afterSchema, objectiveSchema, prewarmSchema } from './life-sections.ts';
import { percentSchema } from './percent-field.ts';
import { requiresSchema } from './requires-section.ts';
import { scheduleSchema } from './schedule-section.ts';
import { verifySectionSchema } from './verify-section.ts';

/** What people write before it is transformed, for the JSON Schema of editors; the transforms below decide. */
const EXTEND_TEXT = { pattern: '^(\\d{1,2}x)?\\d{1,6}(ms|s|m|h|d)$', examples: ['2x30m', '1x1d', '30m'] };

/** `2x60m` or `60m` (once). */
const extendSchema = z
  .string()
  .meta(EXTEND_TEXT)
  .transform((text, context) => {
    const match = /^(?:(\d{1,2})x)?(\w+)$/.exec(text);
    const eachMs = parseDuration(match?.[2] ?? '');
    if (eachMs !== null && eachMs > 0) return { times: Number(match?.[1] ?? 1), eachMs };
    context.addIssue({ code: 'custom', message: `must be such as "2x30m" or "30m", not "${text}"` });
    return z.NEVER;
  });

const wordSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a short name of a-z, 0-9 and "-", starting with a letter');

const personSchema = z.string().regex(/\S/, 'must name a person, role or team').max(120);

const ownersSchema = z.strictObject({
  primary: personSchema,
  backup: personSchema,
  approvers: z.array(personSchema).max(20).default([]),
  notify: z.array(z.string().min(1).max(200)).max(20).default([]),
});

/** `noBreach`, or the same in full: `[noBreach, pointEstimate]`. */
const judgeSchema = z.preprocess(
  (input) =>
    Array.isArray(input) && input.every((part) => part === 'noBreach' || part === 'pointEstimate') ? 'noBreach' : input,
  z.enum(['range', 'noBreach']),
);

const stageFieldsSchema = z.strictObject({
  name: wordSchema,
  /** Exactly one of the two; checked in cross-checks.ts. */
  percent: percentSchema.optional(),
  count: z.number().int().min(1).max(100_000).optional(),
  mode: z.enum(['golden', 'shadow', 'serve']).default('serve'),
  /** Exactly one of the two; `soak` is the bake of the last stage, judged by noBreach. Checked in stage-checks.ts. */
  bake: durationSchema.optional(),
  soak: durationSchema.optional(),
  extend: extendSchema.default({ times: 0, eachMs: 0 }),
  /** At least so many of each hardware class, over all sites. */
  minDevicesPerHw: z.number().int().min(0).max(1000).default(0),
  sampleEvery: z.number().int().min(1).max(1000).default(1),
  /** Shadow: most time that its runs may take, in percent of one processor's; frames beyond it are not offered. */
  maxExtraLoad: percentSchema.nullable().default(null),
  promote: z.enum(['auto', 'manual', 'approval']).default('auto'),
  /** With promote: approval. */
  approvals: z.number().int().min(1).max(20).optional(),
  /** What somebody else must have read and signed before it is left; an approval by another name. */
  signoff: wordSchema.nullable().default(null),
  /** Share of each site that stays on the baseline as controls. */
  holdback: percentSchema.default(0),
  judge: judgeSchema.optional(),
  /** Shadow: least share of offered frames that both releases answered, in percent. */
  minCoverage: percentSchema.default(50),
});

const stageSchema = stageFieldsSchema.transform(({ bake, soak, approvals, judge, ...stage }) => ({
  ...stage,
  bake: bake ?? soak ?? 0,
  promote: stage.signoff === null ? stage.promote : ('approval' as const),
  approvals: stage.promote === 'approval' || stage.signoff !== null ? (approvals ?? 1) : 0,
  judge: judge ?? (soak === undefined ? ('range' as const) : ('noBreach' as const)),
}));

/** `1.0x` or a number: how many times the share of incidents is tolerated. */
const timesSchema = z.union([z.number(), z.string()]).transform((input, context) => {
  const value = typeof input === 'number' ? input : Number(/^(\d+(?:\.\d+)?)x$/.exec(input.trim())?.[1]);
  if (value >= 1 && value <= 100) return value;
  context.addIssue({ code: 'custom', message: `must be from "1x" to "100x", not "${input}"` });
  return z.NEVER;
});

const guardrailShape = z.strictObject({
  id: wordSchema,
  /** What is measured and its limit; stands for itself when `events` are given instead. */
  expr: expressionSchema.prefault(INCIDENT_TEXT),
  /** Instead of `expr`: incidents that candidates may not have more than their share of. */
  events: z
    .array(z.enum(['oom', 'crash', 'watchdog', 'revert']))
    .min(1)
    .nullable()
    .default(null),
  test: z.literal('incident').optional(),
  tolerated: timesSchema.default(1),
  /** Of an absolute limit: it is broken only when it is broken without these. Null: 1 when there are 3 devices or more. */
  ignoreWorstDevices: z.number().int().min(0).max(1000).nullable().default(null),
  enforce: z.enum(['observe', 'hold', 'rollback']),
  /** Null: every stage in which its evidence exists. */
  stages: z.array(wordSchema).min(1).nullable().default(null),
  /** One guardrail per class; `classes` narrows it. */
  per: z.literal('class').nullable().default(null),
  classes: z.array(z.string().min(1).max(60)).min(1).nullable().default(null),
  for: durationSchema.default(0),
  minimum: z.strictObject(minimumShape).partial().default({}),
  /** `device`: devices judge it by themselves too. */
  scope: z.enum(['fleet', 'device']).default('fleet'),
  device: deviceRuleSchema.nullable().default(null),
});

const guardrailSchema = guardrailShape.superRefine(({ expr, events, per, test }, context) => {
  const isIncident = expr.text === INCIDENT_TEXT;
  if (isIncident && events === null)
    context.addIssue({ code: 'custom', message: 'needs "expr" (a measure and its limit) or "events" (incidents)' });
  if (!isIncident && events !== null)
    context.addIssue({ code: 'custom', path: ['events'], message: 'give "expr" or "events", not both' });
  if (events !== null && per !== null)
    context.addIssue({ code: 'custom', path: ['per'], message: 'incidents are not measured per class' });
  if (events === null && test !== undefined)
    context.addIssue({
      code: 'custom',
      path: ['test'],
      message: 'needs "events"; the test of a measure follows from it',
    });
});

const promotionSchema = z.strictObject({
  /** False: every stage waits for a person. */
  auto: z.boolean().default(true),
  /** There is one: nothing is promoted past an enforced guardrail that does not allow it. */
  order: z.literal('allGuardrailsOk').default('allGuardrailsOk'),
  /** What is done at a look that proves neither good nor bad. */
  inconclusive: z
    .strictObject({
      // biome-ignore lint/suspicious/noThenProperty: a word of the file, and never a function.
      then: z.enum(['extend', 'hold']).default('extend'),
      afterExtensions: z.enum(['hold', 'rollback']).default('hold'),
      /** Whose decision a hold for doubt waits for, by name. */
      page: z.enum(['primary', 'backup', 'both']).nullable().default(null),
      /** A hold for doubt that no person ends for this long. */
      timeout: durationSchema.nullable().default(null),
      onTimeout: z.enum(['stay', 'rollback']).default('stay'),
    })
    .prefault({}),
});

const abortSchema = z.strictObject({
  /** What a breach of a guardrail with `enforce: rollback` does. `freeze`: stop growing, keep the cohort, keep judging. */
  onBreach: z.enum(['rollback', 'freeze', 'hold']).default('rollback'),
  /** A breach that is seen in one factory only takes that factory back, and holds the rest. */
  factoryScope: z.boolean().default(false),
  /** After a rollback the same digest is not started again for this long. */
  cooldown: durationSchema.default(0),
  deviceReverts: z
    .strictObject({
      percent: percentSchema.default(10),
      min: z.number().int().min(1).max(10_000).default(3),
      /** Only those of the last so long count together; null: all of the rollout. */
      within: durationSchema.nullable().default(null),
    })
    .prefault({}),
  /** Devices that have not acknowledged a kill of the candidate by then; `escalateUnacked`: they are named to the owners. */
  killSwitch: z
    .strictObject({ ack: durationSchema.default(60_000), escalateUnacked: z.boolean().default(false) })
    .prefault({}),
  /** What must hold again before a rollback is told as done. */
  verify: verifySectionSchema.prefault({}),
});

/** A version number may stand in it. */
const titleSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/, 'must be a short name of a-z, 0-9, "-" and ".", starting with a letter')
  .max(40);

const metadataSchema = z.strictObject({
  name: titleSchema,
  /** For people and for their tools; nothing is decided by them. */
  labels: z.record(wordSchema, z.string().max(120)).default({}),
  /** Number of the change in whatever keeps changes. */
  ticket: z.string().min(1).max(120).nullable().default(null),
});

const candidateSchema = z
  .string()
  .refine((text) => parseReleaseReference(text) !== null, 'must be a release such as "cv-detector:2.0.0+data=b4f7a1"');

const specShape = z.strictObject({
  candidate: candidateSchema,
  /** Each device's own release before the rollout. */
  baseline: z.literal('stable').default('stable'),
  owners: ownersSchema,
  /** Gates that must hold before it may start. */
  requires: requiresSchema.default([]),
  cohort: cohortSchema.prefault({}),
  /** Null: devices may be added at any time. */
  schedule: scheduleSchema.nullable().default(null),
  stages: z.array(stageSchema).min(1).max(20),
  analysis: analysisSchema.prefault({}),
  guardrails: z.array(guardrailSchema).min(1).max(60),
  limits: z.strictObject(deviceLimitsSchema.shape).prefault({}),
  lease: leaseSectionSchema.prefault({}),
  /** A device that cannot hold both releases loaded takes no part, instead of going back more slowly. */
  requireWarm: z.boolean().default(false),
  prewarm: prewarmSchema.prefault({}),
  /** What must be shown to improve before it expands past a stage. */
  objectives: z.array(objectiveSchema).max(10).default([]),
  promotion: promotionSchema.prefault({}),
  abort: abortSchema.prefault({}),
  after: afterSchema.prefault({}),
});

function localRules(guardrails: readonly GuardrailSpec[]): Partial<DeviceLimits> {
  const each = guardrails.map(({ device, expr }) => (device === null ? {} : localLimits(device, expr.parsed)));
  return Object.assign({}, ...each);
}

/** Fields that are another way to say something are said the one way that decisions read. */
const specSchema = specShape.transform((spec) => ({
  ...spec,
  stages: spec.stages.map((stage) =>
    spec.promotion.auto || stage.promote !== 'auto' ? stage : { ...stage, promote: 'manual' as const },
  ),
  limits: { ...spec.limits, ...localRules(spec.guardrails) },
  requireWarm: spec.requireWarm || spec.prewarm.keepBaselineLoaded,
}));

export const rolloutFileSchema = z.strictObject({
  apiVersion: z.literal('belay/v1'),
  kind: z.literal('Rollout'),
  metadata: metadataSchema,
  spec: specSchema,
});

export type RolloutFile = z.infer<typeof rolloutFileSchema>;
export type RolloutSpec = RolloutFile['spec'];
export type StageSpec = z.infer<typeof stageSchema>;
export type GuardrailSpec = z.infer<typeof guardrailSchema>;
export type CohortSpec = z.infer<typeof cohortSchema>;
export type AnalysisSpec = z.infer<typeof analysisSchema>;
export type Minimum = z.infer<typeof minimumSchema>;
export type Enforcement = GuardrailSpec['enforce'];
export type StageMode = StageSpec['mode'];

export const rolloutFileParts = {
  stage: stageSchema,
  stageFields: stageFieldsSchema,
  guardrail: guardrailSchema,
  objective: objectiveSchema,
  siteLease: siteLeaseSchema,
} as const;
