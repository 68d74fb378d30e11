// A duration as a field of a rollout file: text in, milliseconds out, a sentence when it is neither.
import { z } from 'zod';
import { parseDuration } from './durations.ts';

const DAY_MS = 86_400_000;

export const durationSchema = z.string().transform((text, context) => {
  const durationMs = parseDuration(text);
  if (durationMs !== null && durationMs <= 90 * DAY_MS) return durationMs;
  context.addIssue({ code: 'custom', message: `must be a duration such as 30s, 10m, 2h or 1d, not "${text}"` });
  return z.NEVER;
});
