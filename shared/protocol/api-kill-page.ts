// Answers that the kill page is made of: what can be killed with live counts, and how far a kill has come without its long lists.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';
import { killSchema, killSummarySchema } from './api-kills.ts';

/** One thing that can be killed. `scope` is written as in kill-scope-text. */
export const killChoiceSchema = z.looseObject({
  scope: z.string(),
  kind: z.enum(['fleet', 'site', 'rollout', 'release']),
  name: z.string(),
  /** Devices that have it: all of them for a place, those that run or shall run it for a rollout or release. */
  devices: countSchema,
  offline: countSchema,
  /** Devices among them with something on trial now. */
  onTrial: countSchema,
  /** The count in words. */
  says: z.string(),
});

export const killChoicesSchema = z.looseObject({
  choices: z.array(killChoiceSchema),
  /** Every device by `site/device`, as far as the list goes. */
  devices: z.array(z.string()),
  inForce: z.array(killSummarySchema),
});

export const killProgressSchema = z.looseObject({
  ...killSchema.omit({ acks: true }).shape,
  /** As measured, over devices that were online when it was raised; null without any. */
  p95Ms: z.number().nullable(),
  /** The first of each list by name; these are the whole numbers. */
  stragglerCount: countSchema,
  offlineCount: countSchema,
  /** What answers again when it is re-armed, in words. */
  comesBack: z.string(),
  /** Why a kill is not out or not on record yet; null when nothing hinders. */
  fault: z.string().nullable(),
});

export type KillChoice = z.infer<typeof killChoiceSchema>;
export type KillChoices = z.infer<typeof killChoicesSchema>;
export type KillProgress = z.infer<typeof killProgressSchema>;
