// zod's issues in the words of a rollout file: what is there, what must be there, and the nearest known word.
import type { z } from 'zod';
import { suggestion } from './nearest-word.ts';
import { rolloutFileParts, rolloutFileSchema } from './rollout-file.ts';
import { unsupportedField } from './unsupported.ts';

/** `raw` is the value at the issue's path; `key` the unknown key when the issue is about one; `parent` its path as text. */
export type IssuePlace = { readonly parent: string; readonly key: string; readonly raw: unknown };

export function describeIssue(issue: z.core.$ZodIssue, place: IssuePlace): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return (
        unsupportedField(place.parent, place.key) ?? `unknown field${suggestion(place.key, knownFields(place.parent))}`
      );
    case 'invalid_type':
      return place.raw === undefined
        ? `is required (${article(issue.expected)})`
        : `must be ${article(issue.expected)}, not ${shown(place.raw)}`;
    case 'invalid_value':
      return describeChoice(issue.values.map(String), place.raw);
    case 'invalid_key':
      return `must have names of a-z, 0-9 and "-": ${issue.issues[0]?.message ?? 'one has another form'}`;
    case 'invalid_union':
      return place.raw === undefined
        ? 'is required'
        : `must be a number or a text such as "25%", not ${shown(place.raw)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${amount(issue.origin, Number(issue.minimum))}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${amount(issue.origin, Number(issue.maximum))}`;
    default:
      return issue.message;
  }
}

function describeChoice(choices: readonly string[], raw: unknown): string {
  const list = choices.map((choice) => `"${choice}"`).join(', ');
  if (raw === undefined) return `is required: ${list}`;
  const hint = typeof raw === 'string' ? suggestion(raw, choices) : '';
  return `must be ${choices.length > 1 ? 'one of ' : ''}${list}, not ${shown(raw)}${hint}`;
}

function article(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    array: 'a list',
    object: 'a map of fields',
    boolean: 'true or false',
  };
  return names[expected] ?? expected;
}

function amount(origin: string, count: number): string {
  if (origin === 'array') return count === 1 ? ' item' : ' items';
  return origin === 'string' ? (count === 1 ? ' character' : ' characters') : '';
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Field names that are known at `parent`, read from the schema itself. */
function knownFields(parent: string): readonly string[] {
  if (/^spec\.stages\[\d+\]$/.test(parent)) return Object.keys(rolloutFileParts.stageFields.shape);
  if (/^spec\.guardrails\[\d+\]$/.test(parent)) return Object.keys(rolloutFileParts.guardrail.shape);
  if (/^spec\.lease\.sites\.[^.]+$/.test(parent)) return Object.keys(rolloutFileParts.siteLease.shape);
  let shape: unknown = rolloutFileSchema;
  for (const part of parent === '' ? [] : parent.replace(/\[\d+\]/g, '').split('.')) shape = shapeOf(shape)?.[part];
  return Object.keys(shapeOf(shape) ?? {});
}

/** The fields of an object schema, looking through defaults and transforms. */
function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  let inner = schema as { shape?: Record<string, unknown>; def?: Inner } | undefined;
  while (inner && inner.shape === undefined && (inner.def?.innerType ?? inner.def?.in) !== undefined)
    inner = (inner.def?.innerType ?? inner.def?.in) as typeof inner;
  return inner?.shape;
}

/** `in` of a transform: the object as people write it. */
type Inner = { readonly innerType?: unknown; readonly in?: unknown };
