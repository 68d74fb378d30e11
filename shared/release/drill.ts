// The declared fault of a drill release: the model of the baseline, told by its own manifest to fail on purpose for a while.
// Whoever holds the manifest knows that it is a rehearsal; nothing may ever make such a release a baseline.
import { z } from 'zod';

export const DRILL_FAILURES = ['slow', 'hot', 'crash', 'silent', 'bad-golden'] as const;
export const drillFailureSchema = z.enum(DRILL_FAILURES);
export type DrillFailure = z.infer<typeof drillFailureSchema>;

/**
 * A runner with a fault ends itself when this long has passed since its first frame, whatever anybody asks of it. Heat and silence
 * are rehearsed by the agent (degrees that it adds, reports that it keeps), no longer than that either.
 */
export const DRILL_FOR_MS_MAX = 15 * 60_000;

export const declaredFaultSchema = z.looseObject({
  failure: drillFailureSchema,
  /** Release that the model was taken from. */
  of: z.string(),
  forMs: z.number().int().min(10_000).max(DRILL_FOR_MS_MAX),
});

export type DeclaredFault = z.infer<typeof declaredFaultSchema>;
