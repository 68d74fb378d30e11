// A percentage in a rollout file, in the ways people write it.
import { z } from 'zod';

/** What people write, for the JSON Schema of editors; the transform decides. */
const PERCENT_NUMBER = { minimum: 0, maximum: 100 };
const PERCENT_TEXT = { pattern: '^\\s*\\d+(\\.\\d+)?\\s*%?\\s*$', examples: ['25%', '2.5 %'] };

/** `25`, `25%` or `25 %`; a number in percent. */
export const percentSchema = z
  .union([z.number().meta(PERCENT_NUMBER), z.string().meta(PERCENT_TEXT)])
  .transform((input, context) => {
    const value = typeof input === 'number' ? input : Number(/^(\d+(?:\.\d+)?)\s*%?$/.exec(input.trim())?.[1]);
    if (value >= 0 && value <= 100) return value;
    context.addIssue({ code: 'custom', message: `must be a percentage from 0 to 100, not "${input}"` });
    return z.NEVER;
  });
