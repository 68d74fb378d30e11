// `cohort.where` as a field of a rollout file: text in, its clauses out, a mistake with its column.
import { z } from 'zod';
import { parseWhere } from './where.ts';

const WHERE_TEXT = {
  maxLength: 500,
  examples: ['hw in [orin-nx, x86] and online', 'site = plant-a and battery >= 30'],
};

export const whereSchema = z
  .string()
  .meta(WHERE_TEXT)
  .transform((text, context) => {
    const parsed = parseWhere(text);
    if (parsed.ok) return { text, clauses: parsed.clauses };
    context.addIssue({ code: 'custom', message: parsed.message, params: { expressionColumn: parsed.column } });
    return z.NEVER;
  });
