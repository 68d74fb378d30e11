// The verdict on one guardrail: one sentence, the numbers behind it, and what was left out.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';

export const verdictKindSchema = z.enum(['pass', 'breach', 'inconclusive', 'no-data']);

/** What the change of a device was compared with; further down = less like with like. */
export const controlLevelSchema = z.enum([
  'site and hardware',
  'hardware',
  'fleet',
  'own baseline only',
  'same frames',
  'labelled frames',
  'absolute',
]);

/** What a part of the fleet says on its own; `no-data`: shown, but too small to be judged. */
const sliceVerdictSchema = z.looseObject({
  slice: z.string(),
  verdict: verdictKindSchema,
  n: countSchema,
  estimate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const minimumCheckSchema = z.looseObject({ what: z.string(), have: z.number(), need: z.number(), met: z.boolean() });

export const verdictSchema = z.looseObject({
  guardrail: z.string(),
  title: z.string(),
  limitText: z.string(),
  enforce: z.enum(['observe', 'hold', 'rollback']),
  verdict: verdictKindSchema,
  /** For people: observed against limit, with its counts. */
  sentence: z.string(),
  /** Devices evaluated, and devices they were compared with. */
  n: countSchema,
  controls: countSchema,
  level: controlLevelSchema,
  /** How the uncertainty was found: between devices, or, with very few of them, between windows of the same device. */
  spread: z.enum(['between devices', 'between windows', 'between objects', 'between pictures']),
  /**
   * Change (or share) in `unit`, and the range it plausibly lies in (one-sided 90 % each way, the boundary of a breach when
   * inconclusive); null without evidence.
   */
  estimate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** The limit in the same unit; two-sided limits have both. */
  limitLow: z.number().nullable(),
  limitHigh: z.number().nullable(),
  unit: z.string(),
  /** Frames, detections or objects that the verdict rests on. */
  count: countSchema,
  minimums: z.array(minimumCheckSchema),
  /** Windows of candidate devices left out, by reason. */
  excluded: z.record(z.string(), countSchema),
  /** Sites and lines that have no evidence of their own for this guardrail. */
  blind: z.array(z.string()),
  /** Part of the fleet that decided; null or absent: the whole. */
  slice: z.string().nullable().optional(),
  slices: z.array(sliceVerdictSchema).optional(),
  /** One-sided error of a breach, over the whole stage. */
  alpha: z.number().optional(),
  /** The bound it was decided by: `always-valid`, `window 3` (finished), `last window`, `incident`, `look 2/3`, `golden set`. */
  boundary: z.string().optional(),
  /** Time that the evidence comes from. */
  window: z.tuple([z.number(), z.number()]).optional(),
  /** What would decide it: `~8 more devices or ~25 min`; null: nothing, or it is decided. */
  needs: z.string().nullable().optional(),
});

export type Verdict = z.infer<typeof verdictSchema>;
export type VerdictKind = z.infer<typeof verdictKindSchema>;
export type ControlLevel = z.infer<typeof controlLevelSchema>;
export type SliceVerdict = z.infer<typeof sliceVerdictSchema>;
export type MinimumCheck = z.infer<typeof minimumCheckSchema>;
