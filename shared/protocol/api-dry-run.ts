// Answers of `?dryRun=true`: what would happen, with nothing written.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';
import { outlookSchema } from '../rollout/outlook.ts';
import { planSchema } from '../rollout/plan.ts';

/** Devices of one site that it is about. */
const concernedSchema = z.looseObject({
  site: z.string(),
  devices: countSchema,
  online: countSchema,
  /** They would obey when they are back. */
  offline: countSchema,
  /** Those that would answer with another release than now. */
  changing: countSchema,
});

const movesSchema = z.looseObject({
  /** Null: what answers there is not known. */
  from: z.string().nullable(),
  /** Null: the device decides, by what it has (its release before, or that of the factory). */
  to: z.string().nullable(),
  devices: countSchema,
});

export const dryRunSchema = z.looseObject({
  dryRun: z.literal(true),
  /** What would happen, in a sentence. */
  sentence: z.string(),
  /** Why it would be refused as things stand; empty: it would be done. */
  refusals: z.array(z.string()),
  sites: z.array(concernedSchema),
  /** From which release to which, most devices first. */
  moves: z.array(movesSchema),
  /** What else there is to know. */
  notes: z.array(z.string()),
  /** Of a start: who gets it when. */
  plan: planSchema.nullable().default(null),
  outlook: outlookSchema.nullable().default(null),
});

export type DryRun = z.infer<typeof dryRunSchema>;
