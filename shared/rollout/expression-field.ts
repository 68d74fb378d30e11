// An expression as a field of a rollout file: text in, what it means out, with the column of a mistake.
import { z } from 'zod';
import { type Expression, parseExpression } from './expression.ts';
import { INCIDENT_EXPRESSION, INCIDENT_TEXT } from './incidents.ts';
import { AGGREGATES, BARE_METRICS, METRIC_NAMES } from './metrics.ts';

const EXPRESSION_TEXT = {
  maxLength: 300,
  pattern: `^\\s*(${BARE_METRICS.join('|')}|golden\\.\\w+(\\s*\\(.*\\))?|(${AGGREGATES.join('|')})\\s*\\(\\s*(${METRIC_NAMES.join('|')})\\b.*\\))\\s*(<=?|>=?|within|improves)`,
  examples: ['p95(latency_ms) <= baseline * 1.10', 'rate(errors, frames) <= 0.5 %', 'golden.map50 >= baseline - 1 pt'],
};

export const expressionSchema = z
  .string()
  .meta(EXPRESSION_TEXT)
  .transform((text, context): { text: string; parsed: Expression } => {
    if (text === INCIDENT_TEXT) return { text, parsed: INCIDENT_EXPRESSION };
    const result = parseExpression(text);
    if (result.ok) return { text, parsed: result.value };
    const { column, message } = result.problem;
    context.addIssue({ code: 'custom', message, params: { expressionColumn: column } });
    return z.NEVER;
  });
