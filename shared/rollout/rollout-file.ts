// The rollout file: what a user writes to move devices from a baseline release to a candidate. Shapes and defaults only;
// read-rollout-file.ts adds positions, and checks that need several fields live in cross-checks.ts.
import { z } from 'zod';
import { nameSchema } from '../basics/identifiers.ts';
import { deviceLimitsSchema } from '../protocol/limits.ts';
import { parseReleaseReference } from '../release/identity.ts';
import { durationSchema } from './duration-field.ts';
import { parseDuration } from './durations.ts';
import { type Expression, parseExpression } from './expression.ts';
import { INCIDENT_EXPRESSION, INCIDENT_TEXT } from './incidents.ts';
import { leaseSectionSchema, siteLeaseSchema } from './lease-section.ts';

/** `2x60m` or `60m` (once). */
const extendSchema = z.string().transform((text, context) => {
  const match = /^(?:(\d{1,2})x)?(\w+)$/.exec(text);
  const eachMs = parseDuration(match?.[2] ?? '');
  if (eachMs !== null && eachMs > 0) return { times: Number(match?.[1] ?? 1), eachMs };
  context.addIssue({ code: 'custom', message: `must be such as "2x30m" or "30m", not "${text}"` });
  return z.NEVER;
});

/** `25`, `25%` or `25 %`; a number in percent. */
const percentSchema = z.union([z.number(), z.string()]).transform((input, context) => {
  const value = typeof input === 'number' ? input : Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(input.trim())?.[1]);
  if (value >= 0 && value <= 100) return value;
  context.addIssue({ code: 'custom', message: `must be a percentage from 0 to 100, not "${input}"` });
  return z.NEVER;
});

const wordSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a short name of a-z, 0-9 and "-", starting with a letter');

const personSchema = z.string().min(1, 'must name a person, role or team').max(120);

const ownersSchema = z.strictObject({
  primary: personSchema,
  backup: personSchema,
  approvers: z.array(personSchema).max(20).default([]),
  notify: z.array(z.string().min(1).max(200)).max(20).default([]),
});

const saltSchema = z
  .string()
  .regex(/^(rollout|fixed:.{1,60})$/, 'must be "rollout" (new candidate devices each time) or "fixed:<text>"');

const cohortSchema = z.strictObject({
  /** Null: every site. */
  factories: z.array(nameSchema).min(1).nullable().default(null),
  salt: saltSchema.default('rollout'),
  pin: z
    .strictObject({ candidate: z.array(nameSchema).default([]), baseline: z.array(nameSchema).default([]) })
    .prefault({}),
  exclude: z
    .strictObject({
      devices: z.array(nameSchema).default([]),
      /** Names of lines; a trailing "*" matches any ending. */
      lines: z
        .array(z.string().regex(/^[a-z0-9-]{1,64}\*?$/, 'must be a line name, or its beginning and "*"'))
        .default([]),
    })
    .prefault({}),
  minPerFactory: z.number().int().min(0).max(1000).default(1),
});

const stageSchema = z.strictObject({
  name: wordSchema,
  /** Exactly one of the two; checked in cross-checks.ts. */
  percent: percentSchema.optional(),
  count: z.number().int().min(1).max(100_000).optional(),
  mode: z.enum(['golden', 'shadow', 'serve']).default('serve'),
  bake: durationSchema,
  extend: extendSchema.default({ times: 0, eachMs: 0 }),
  sampleEvery: z.number().int().min(1).max(1000).default(1),
  promote: z.enum(['auto', 'manual']).default('auto'),
  /** Shadow: least share of offered frames that both releases answered, in percent. */
  minCoverage: percentSchema.default(50),
});

const minimumShape = {
  devices: z.number().int().min(1).max(10_000),
  controls: z.number().int().min(0).max(10_000),
  framesPerDevice: z.number().int().min(1).max(100_000_000),
  /** Confident detections of the baseline that paired evidence needs, over all devices. */
  baseDetections: z.number().int().min(1).max(1_000_000),
  /** Labelled objects that golden evidence needs. */
  objects: z.number().int().min(1).max(1_000_000),
  /** Of evidence per device. */
  minutes: z.number().min(0).max(100_000),
};

const minimumSchema = z.strictObject({
  devices: minimumShape.devices.default(2),
  controls: minimumShape.controls.default(4),
  framesPerDevice: minimumShape.framesPerDevice.default(2000),
  baseDetections: minimumShape.baseDetections.default(30),
  objects: minimumShape.objects.default(30),
  minutes: minimumShape.minutes.default(15),
});

const sliceSchema = z
  .string()
  .regex(
    /^(overall|hardwareClass|factory|factory>=[1-9]\d{0,4})$/,
    'must be "overall", "hardwareClass", "factory" or "factory>=8" (factories with that many devices)',
  );

const analysisSchema = z.strictObject({
  /** Left out after a switch: cold caches. */
  settle: durationSchema.default(3 * 60_000),
  minimum: minimumSchema.prefault({}),
  missing: z
    .strictObject({
      /** No window for this long: silent. */
      stale: durationSchema.default(5 * 60_000),
      /** More silent exposed devices than this: hold. */
      maxSilent: percentSchema.default(20),
    })
    .prefault({}),
  /** Length of the rolling windows that find what sets in late. */
  window: durationSchema.refine((ms) => ms > 0, 'must be more than 0').default(15 * 60_000),
  /** Chance that a guardrail stops a candidate that keeps its limit, over the whole rollout, however often one looks. */
  falseRollback: z.number().min(0.0001).max(0.5).default(0.05),
  /** One-sided confidence of a pass at a scheduled look. */
  promoteConfidence: z.number().min(0.5).max(0.999).default(0.9),
  /** Parts of the fleet that are judged on their own too; they share falseRollback. */
  slices: z.array(sliceSchema).max(4).default(['overall', 'hardwareClass', 'factory>=8']),
  /** Who went silent: held when the silent devices are candidates more often than chance allows. */
  balance: z
    .strictObject({
      alpha: z.number().min(1e-9).max(0.1).default(0.001),
      action: z.enum(['hold', 'observe']).default('hold'),
    })
    .prefault({}),
});

const expressionSchema = z.string().transform((text, context): { text: string; parsed: Expression } => {
  if (text === INCIDENT_TEXT) return { text, parsed: INCIDENT_EXPRESSION };
  const result = parseExpression(text);
  if (result.ok) return { text, parsed: result.value };
  const { column, message } = result.problem;
  context.addIssue({ code: 'custom', message, params: { expressionColumn: column } });
  return z.NEVER;
});

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

const abortSchema = z.strictObject({
  deviceReverts: z
    .strictObject({ percent: percentSchema.default(10), min: z.number().int().min(1).max(10_000).default(3) })
    .prefault({}),
});

const candidateSchema = z
  .string()
  .refine((text) => parseReleaseReference(text) !== null, 'must be a release such as "cv-detector:2.0.0+data=b4f7a1"');

export const rolloutFileSchema = z.strictObject({
  apiVersion: z.literal('belay/v1'),
  kind: z.literal('Rollout'),
  metadata: z.strictObject({ name: wordSchema.max(40) }),
  spec: z.strictObject({
    candidate: candidateSchema,
    /** Each device's own release before the rollout. */
    baseline: z.literal('stable').default('stable'),
    owners: ownersSchema,
    cohort: cohortSchema.prefault({}),
    stages: z.array(stageSchema).min(1).max(20),
    analysis: analysisSchema.prefault({}),
    guardrails: z.array(guardrailSchema).min(1).max(60),
    limits: z.strictObject(deviceLimitsSchema.shape).prefault({}),
    lease: leaseSectionSchema.prefault({}),
    /** A device that cannot hold both releases loaded takes no part, instead of going back more slowly. */
    requireWarm: z.boolean().default(false),
    abort: abortSchema.prefault({}),
  }),
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

export const rolloutFileParts = { stage: stageSchema, guardrail: guardrailSchema, siteLease: siteLeaseSchema } as const;
