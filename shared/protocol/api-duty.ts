// Whether a device takes part in rollouts: pinned to a release, drained for maintenance, or retired. Bodies and answers.
import { z } from 'zod';
import { countSchema, nameSchema, timeSchema } from '../basics/identifiers.ts';
import { actorSchema, reasonSchema } from './api-releases.ts';
import { releaseRefSchema } from './documents.ts';

/** Said by a person, since when and why. */
const markSchema = z.looseObject({ actor: z.string(), reason: z.string(), sinceMs: timeSchema });

export const dutySchema = z.looseObject({
  /** Grows with every change; 0: nothing was ever said. */
  version: countSchema,
  /** It keeps this release, whatever rollouts do. A kill still takes it away. */
  pinned: markSchema.extend(releaseRefSchema.shape).nullable(),
  /** Out of cohorts for maintenance: it answers with its baseline and is not judged. */
  drained: markSchema.nullable(),
  /** No longer expected to report; its password is worth nothing. */
  retired: markSchema.nullable(),
});

export const DUTY_VERBS = ['pin', 'unpin', 'drain', 'undrain', 'retire', 'unretire'] as const;

export const dutyPathSchema = z.looseObject({ site: nameSchema, device: nameSchema, verb: z.enum(DUTY_VERBS) });

export const dutyBodySchema = z.looseObject({
  reason: reasonSchema,
  actor: actorSchema,
  /** Of `pin`: id or digest, or their beginnings. */
  release: z.string().min(1).max(200).optional(),
  /** Of `retire`: also while the device is reporting. */
  force: z.boolean().optional(),
});

export const dutyAnswerSchema = z.looseObject({
  site: z.string(),
  device: z.string(),
  duty: dutySchema,
  /** What was done, in a sentence. */
  sentence: z.string(),
  /** Rollouts that it was taken out of, or comes back to. */
  rollouts: z.array(z.string()),
});

export type Duty = z.infer<typeof dutySchema>;
export type Mark = z.infer<typeof markSchema>;
export type DutyVerb = (typeof DUTY_VERBS)[number];
export type DutyAnswer = z.infer<typeof dutyAnswerSchema>;
