// Turning foreign bytes into typed values: one door for zod, so that every refusal reads the same.
import type { z } from 'zod';

export type Problem = { readonly path: string; readonly message: string };

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Documents here are at most ten levels deep; whoever walks one by recursion (also JSON.stringify) must not run out of stack. */
const LEVELS_MAX = 64;
export const TOO_DEEP = `is nested deeper than ${LEVELS_MAX} levels`;

/** A mistake takes a kilobyte until it is told: a megabyte of wrong ones would take all memory of the process. */
const VALUES_MAX_FOR_ALL_MISTAKES = 4000;
const FIRST_MISTAKE: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: true };

/**
 * Checks `input` against `schema`; all mistakes at once, each with a dotted path (`''` = the whole document). Of a document
 * with thousands of values only the first mistake is told.
 */
export function parseValue<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const result = hasMoreValuesThan(VALUES_MAX_FOR_ALL_MISTAKES, input)
    ? schema.safeParse(input, FIRST_MISTAKE)
    : schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    problems: result.error.issues.map((issue) => ({ path: formatPath(issue.path), message: issue.message })),
  };
}

/** As parseValue, from JSON text or bytes; text that is not JSON is a problem at the root. */
export function parseJson<T>(schema: z.ZodType<T>, text: string | Uint8Array): Parsed<T> {
  let input: unknown;
  try {
    input = JSON.parse(typeof text === 'string' ? text : new TextDecoder().decode(text));
  } catch (error) {
    return { ok: false, problems: [{ path: '', message: `not JSON: ${(error as Error).message}` }] };
  }
  if (isTooDeep(input)) return { ok: false, problems: [{ path: '', message: TOO_DEEP }] };
  return parseValue(schema, input);
}

/** Looks at hardly more than that many: this is asked of every answer of a model. */
function hasMoreValuesThan(max: number, input: unknown): boolean {
  const open: unknown[] = [input];
  let seen = 0;
  while (open.length > 0 && seen <= max) {
    const inner = valuesIn(open.pop());
    seen += inner.length;
    if (seen <= max) open.push(...inner);
  }
  return seen > max;
}

function valuesIn(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Array.isArray(value) ? value : Object.values(value);
}

/** Level by level: what is too deep for recursion is not too deep for this. */
export function isTooDeep(input: unknown): boolean {
  let level: readonly unknown[] = [input];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > LEVELS_MAX) return true;
    // Each once: YAML aliases may lead to the same value along many paths, and in a circle.
    const below = new Set<unknown>();
    for (const value of level)
      if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) below.add(inner);
    level = [...below];
  }
  return false;
}

/** `stages.0.percent: must be …; name: required` */
export function describeProblems(problems: readonly Problem[]): string {
  return problems
    .map((problem) => (problem.path === '' ? problem.message : `${problem.path}: ${problem.message}`))
    .join('; ');
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
