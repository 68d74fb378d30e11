// `abort.verify` of a rollout file: what must hold again, and for how long, before a rollback is told as done.
import { z } from 'zod';
import { durationSchema } from './duration-field.ts';
import { type Expression, parseExpression } from './expression.ts';
import { metricRule } from './metrics.ts';

/** As wide as the usual guardrail: a rollback is there when nobody would have stopped it. */
export const VERIFY_EXPRESSION_DEFAULT = 'p95(latency_ms) <= baseline * 1.10';
/** A file that bakes for seconds is a rehearsal and need not wait for minutes. */
const FOR_MS_DEFAULT_MAX = 10 * 60_000;
const FOR_MS_MIN = 1000;

const expressionSchema = z.string().transform((text, context) => {
  const read = parseExpression(text);
  if (!read.ok) {
    const { column, message } = read.problem;
    context.addIssue({ code: 'custom', message, params: { expressionColumn: column } });
    return z.NEVER;
  }
  if (metricRule(read.value.metric).source === 'self') return { text, parsed: read.value };
  context.addIssue({
    code: 'custom',
    message: `${read.value.metric} is not measured while only the baseline runs; use a metric of live frames such as p95(latency_ms)`,
  });
  return z.NEVER;
});

const checkSchema = z.strictObject({
  /** Set by `verify: none` alone. */
  none: z.literal(true).optional(),
  for: durationSchema.refine((forMs) => forMs >= FOR_MS_MIN, 'must be at least 1s').optional(),
  expr: expressionSchema.optional(),
});

/** `none`, or `{for: 10m, expr: "p95(latency_ms) <= baseline * 1.03"}`, each of which has a default. */
export const verifySectionSchema = z.preprocess((raw) => (raw === 'none' ? { none: true } : raw), checkSchema);

export type VerifySection = z.infer<typeof verifySectionSchema>;

export type VerifyTerms = { readonly forMs: number; readonly expression: Expression; readonly text: string };

type Stages = readonly { readonly mode: string; readonly bake: number }[];

/** What is checked after a rollback; null: the file says `verify: none`. */
export function verifyTerms(section: VerifySection, stages: Stages): VerifyTerms | null {
  if (section.none) return null;
  const { text, parsed } = section.expr ?? defaultExpression();
  const forMs = section.for ?? (parsed.forMs > 0 ? parsed.forMs : defaultForMs(stages));
  return { forMs, expression: parsed, text };
}

function defaultForMs(stages: Stages): number {
  const bakes = stages.filter(({ mode }) => mode === 'serve').map(({ bake }) => bake);
  return Math.max(FOR_MS_MIN, Math.min(FOR_MS_DEFAULT_MAX, ...bakes));
}

function defaultExpression(): { readonly text: string; readonly parsed: Expression } {
  const read = parseExpression(VERIFY_EXPRESSION_DEFAULT);
  if (!read.ok) throw new TypeError(`the default of verify cannot be read: ${read.problem.message}`);
  return { text: VERIFY_EXPRESSION_DEFAULT, parsed: read.value };
}
