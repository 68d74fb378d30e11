// Sections of a rollout file about before and after: how a candidate is warmed up, what must improve before it expands, what is
// kept when it has ended. Shapes and defaults only.
import { z } from 'zod';
import { durationSchema } from './duration-field.ts';
import { expressionSchema } from './expression-field.ts';

export const prewarmSchema = z.strictObject({
  /** Inferences on every load before it may answer; null: as its manifest says. */
  warmupFrames: z.number().int().min(1).max(100).nullable().default(null),
  /** Times that each device starts it, to measure its cold start. */
  coldStartProbes: z.number().int().min(1).max(20).default(1),
  /** A device that cannot keep the baseline loaded beside the candidate takes no part. */
  keepBaselineLoaded: z.boolean().default(false),
});

const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a short name of a-z, 0-9 and "-", starting with a letter');

export const objectiveSchema = z.strictObject({
  id: idSchema,
  /** What must be shown to be better than the baseline. */
  expr: expressionSchema,
  /** Guardrails that must be shown to hold at the same look. */
  with: z.array(idSchema).max(20).default([]),
  /** The stage that is not left before it is shown. */
  gate: idSchema,
});

export const ARCHIVES = ['telemetry-summary', 'decisions', 'report'] as const;

export const afterSchema = z.strictObject({
  /** The predecessor cannot be archived for this long after completion. */
  retainBaseline: durationSchema.default(0),
  /** What is kept as one document when it has ended, longer than the windows that it was made of. */
  archive: z.array(z.enum(ARCHIVES)).max(ARCHIVES.length).default([]),
  /** `none`: a completed candidate is not called stable before a person does. */
  conclude: z.enum(['markStable', 'none']).default('markStable'),
});

export type ObjectiveSpec = z.infer<typeof objectiveSchema>;
export type ArchiveKind = (typeof ARCHIVES)[number];
