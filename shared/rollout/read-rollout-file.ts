// Reads a rollout file: YAML with positions → typed value, or every mistake at once as `file.yaml:12:7 spec.stages[1].percent: must be …`.
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { crossCheck, type FilePath } from './cross-checks.ts';
import { describeIssue } from './issue-text.ts';
import { type RolloutFile, rolloutFileSchema } from './rollout-file.ts';

/** A mistake and where it is; line and column are 1-based. */
export type FileProblem = {
  readonly line: number;
  readonly column: number;
  /** `spec.stages[1].percent`, or empty for the whole file. */
  readonly path: string;
  readonly message: string;
};

export type ReadRolloutFile =
  | { readonly ok: true; readonly value: RolloutFile }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** 64 KiB: a rollout file is read by people. */
const FILE_CHARACTERS_MAX = 64 * 1024;

export function readRolloutFile(text: string): ReadRolloutFile {
  if (text.length > FILE_CHARACTERS_MAX) return refuse(`larger than ${FILE_CHARACTERS_MAX} characters`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      ...at(lines, error.pos[0]),
      path: '',
      message: `not YAML: ${error.message}`,
    }));
    return { ok: false, problems };
  }
  const raw = toPlain(document);
  if (!raw.ok) return refuse(`not YAML: ${raw.message}`);
  return check({ document, lines, raw: raw.value });
}

/** Where a path of a readable document stands, or its nearest parent that is there. */
export function placeInText(text: string, path: FilePath): { line: number; column: number } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return at(lines, offsetOf(document, path));
}

function check(source: Source): ReadRolloutFile {
  const { document, lines, raw } = source;
  const parsed = rolloutFileSchema.safeParse(raw);
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => placeIssue(issue, source))),
    ...crossCheck(raw).map(({ path, message }) => ({
      ...at(lines, offsetOf(document, path)),
      path: pathText(path),
      message,
    })),
  ];
  if (parsed.success && problems.length === 0) return { ok: true, value: parsed.data };
  return { ok: false, problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

function refuse(message: string): ReadRolloutFile {
  return { ok: false, problems: [{ line: 1, column: 1, path: '', message }] };
}

/** Aliases that multiply without end, and aliases of nothing, are found only here. */
function toPlain(document: Document): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

/** `rollout.yaml:12:7 spec.stages[1].percent: must be …` */
export function formatFileProblem(fileName: string, problem: FileProblem): string {
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${fileName}:${problem.line}:${problem.column} ${path}${problem.message}`;
}

export function pathText(path: FilePath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

type Source = { readonly document: Document; readonly lines: LineCounter; readonly raw: unknown };

function placeIssue(issue: z.core.$ZodIssue, { document, lines, raw }: Source): FileProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      ...at(lines, keyOffset(document, path, key)),
      path: pathText([...path, key]),
      message: describeIssue(issue, { parent: pathText(path), key, raw: valueAt(raw, path) }),
    }));
  const offset = offsetOf(document, path) + expressionOffset(issue, document, path);
  const message = describeIssue(issue, { parent: pathText(path.slice(0, -1)), key: '', raw: valueAt(raw, path) });
  return [{ ...at(lines, offset), path: pathText(path), message }];
}

/** Columns into a guardrail expression, past its quote when it has one. */
function expressionOffset(issue: z.core.$ZodIssue, document: Document, path: FilePath): number {
  const column = issue.code === 'custom' ? issue.params?.expressionColumn : undefined;
  if (typeof column !== 'number') return 0;
  const node = document.getIn(path, true);
  const isQuoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
  return column - 1 + (isQuoted ? 1 : 0);
}

/** The node at `path`, or the nearest parent that is there when a key is missing. */
function offsetOf(document: Document, path: FilePath): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function keyOffset(document: Document, parent: FilePath, key: string): number {
  const node = parent.length === 0 ? document.contents : document.getIn(parent, true);
  const pair = isMap(node)
    ? node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
    : undefined;
  const keyNode = pair?.key;
  return isNode(keyNode) && keyNode.range ? keyNode.range[0] : offsetOf(document, parent);
}

function at(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function valueAt(raw: unknown, path: FilePath): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined,
    raw,
  );
}
