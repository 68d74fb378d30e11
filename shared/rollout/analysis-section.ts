// `spec.analysis` of a rollout file: how much evidence a verdict needs, and how sure it must be.
import { z } from 'zod';
import { durationSchema } from './duration-field.ts';
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
};

export const minimumSchema = z.strictObject({
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

export const analysisSchema = z.strictObject({
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
