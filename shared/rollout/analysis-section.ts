// `spec.analysis` of a rollout file: how much evidence a verdict needs, and how sure it must be.
import { z } from 'zod';
import { durationSchema } from './duration-field.ts';
import { parseDuration } from './durations.ts';
import { percentSchema } from './percent-field.ts';

export const minimumShape = {
  devices: z.number().int().min(1).max(10_000),
  controls: z.number().int().min(0).max(10_000),
  framesPerDevice: z.number().int().min(1).max(100_000_000),
  /** Confident detections of the baseline that paired evidence needs, over all devices. */
  baseDetections: z.number().int().min(1).max(1_000_000),
  /** Labelled objects that golden evidence needs. */
  objects: z.number().int().min(1).max(1_000_000),
  /** Of evidence per device. */
  minutes: z.number().min(0).max(100_000),
  /** Labelled pictures that golden evidence needs. */
  images: z.number().int().min(1).max(1_000_000),
  /** The same as objects. */
  instances: z.number().int().min(1).max(1_000_000),
  /** Cold starts of each release that a device must have measured. */
  probesPerDevice: z.number().int().min(1).max(20),
  /** Share of the alerts that somebody has looked at, 0..1, on each side of the comparison. */
  reviewedShare: z.number().min(0).max(1),
};

export const minimumSchema = z.strictObject({
  devices: minimumShape.devices.default(2),
  controls: minimumShape.controls.default(4),
  framesPerDevice: minimumShape.framesPerDevice.default(2000),
  baseDetections: minimumShape.baseDetections.default(30),
  objects: minimumShape.objects.default(30),
  minutes: minimumShape.minutes.default(15),
  images: minimumShape.images.optional(),
  probesPerDevice: minimumShape.probesPerDevice.optional(),
  reviewedShare: minimumShape.reviewedShare.optional(),
});

const sliceSchema = z
  .string()
  .regex(
    /^(overall|hardwareClass|factory|factory>=[1-9]\d{0,4})$/,
    'must be "overall", "hardwareClass", "factory" or "factory>=8" (factories with that many devices)',
  );

const DEFAULT_MAX_SILENT = 20;

const missingSchema = z
  .strictObject({
    /** No window for this long: silent. */
    stale: durationSchema.default(5 * 60_000),
    /** More silent exposed devices than this: hold. Either word. */
    maxSilent: percentSchema.optional(),
    maxOffline: percentSchema.optional(),
    /** Silence says nothing about the candidate: it is waited for, never judged. */
    over: z.literal('hold').default('hold'),
  })
  .transform(({ stale, maxSilent, maxOffline }) => ({
    stale,
    maxSilent: maxSilent ?? maxOffline ?? DEFAULT_MAX_SILENT,
  }));

const HOUR_MS = 3_600_000;

/** `-24h`: so far back. */
const backSchema = z
  .string()
  .meta({ pattern: '^\\s*-\\d{1,6}(s|m|h|d)\\s*$', examples: ['-2h', '-24h'] })
  .transform((text, context) => {
    const backMs = text.trim().startsWith('-') ? parseDuration(text.trim().slice(1)) : null;
    if (backMs !== null && backMs >= 60_000 && backMs <= 7 * 24 * HOUR_MS) return backMs;
    context.addIssue({ code: 'custom', message: `must be from "-1m" to "-7d", not "${text}"` });
    return z.NEVER;
  });

const baselineWindowSchema = z.strictObject({
  /** How far back a device's own past goes before its first device was told. */
  from: backSchema.default(2 * HOUR_MS),
  /** A device with less of it is not compared. */
  min: durationSchema.default(0),
  /** `sameShift`: only the hours of the day at which the stage runs, where there are any. */
  align: z.enum(['none', 'sameShift']).default('none'),
});

export const analysisSchema = z.strictObject({
  /** There is one. */
  method: z.literal('paired-always-valid').default('paired-always-valid'),
  baselineWindow: baselineWindowSchema.prefault({}),
  /** Judged at most this often; null: at every tick of the control plane. */
  tick: durationSchema.nullable().default(null),
  /** Left out after a switch: cold caches. */
  settle: durationSchema.default(3 * 60_000),
  minimum: minimumSchema.prefault({}),
  missing: missingSchema.prefault({}),
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
      check: z.literal('assigned-vs-reporting').default('assigned-vs-reporting'),
      alpha: z.number().min(1e-9).max(0.1).default(0.001),
      action: z.enum(['hold', 'observe']).default('hold'),
    })
    .transform(({ alpha, action }) => ({ alpha, action }))
    .prefault({}),
});
