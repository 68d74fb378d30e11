// A duration as a field of a rollout file: text in, milliseconds out, a sentence when it is neither.
import { z } from 'zod';
import { parseDuration } from './durations.ts';

const DAY_MS = 86_400_000;

/** Only for editors: parseDuration decides, and its message says more than a pattern. */
const DURATION_TEXT = { pattern: '^\\s*\\d{1,6}(ms|s|m|h|d)\\s*$', examples: ['30s', '10m', '2h', '1d'] };

export const durationSchema = z
  .string()
  .meta(DURATION_TEXT)
  .transform((text, context) => {
    const durationMs = parseDuration(text);
    if (durationMs !== null && durationMs <= 90 * DAY_MS) return durationMs;
    context.addIssue({ code: 'custom', message: `must be a duration such as 30s, 10m, 2h or 1d, not "${text}"` });
    return z.NEVER;
  });
