// Business figures as people bring them in: CSV with a header, a JSON list, or one JSON object a line. One mistake refuses the whole
// text, and every mistake is told with its line; half a file would be worse than none.
import { type BusinessRecord, businessRecordSchema } from './business.ts';

export type ImportProblem = { readonly line: number; readonly message: string };
export type ImportLine = { readonly line: number; readonly record: BusinessRecord };

export type ReadImport =
  | { readonly ok: true; readonly lines: readonly ImportLine[] }
  | { readonly ok: false; readonly problems: readonly ImportProblem[] };

export const IMPORT_CHARACTERS_MAX = 8 * 1024 * 1024;
const RECORDS_MAX = 50_000;
const PROBLEMS_MAX = 100;

/** Column (or JSON key) → field. */
const FIELDS: Readonly<Record<string, keyof BusinessRecord>> = {
  site: 'site',
  device: 'device',
  line: 'line',
  from: 'fromMs',
  to: 'toMs',
  frames: 'frames',
  alerts: 'alerts',
  reviewed: 'reviewed',
  false_alerts: 'falseAlerts',
  defects_caught: 'defectsCaught',
  parts: 'parts',
  cost: 'cost',
};
export const IMPORT_COLUMNS = Object.keys(FIELDS);
const NEEDED = ['site', 'from', 'to'];
const NAMES: ReadonlySet<string> = new Set(['site', 'device', 'line']);

type Row = { readonly line: number; readonly cells: Readonly<Record<string, unknown>> };
type Rows = { readonly rows: readonly Row[]; readonly problems: readonly ImportProblem[] };

export function readBusinessImport(text: string): ReadImport {
  if (text.length > IMPORT_CHARACTERS_MAX)
    return refuse([{ line: 1, message: `larger than ${IMPORT_CHARACTERS_MAX} characters: split it` }]);
  const start = text.trimStart()[0];
  const { rows, problems } = start === '[' || start === '{' ? readJson(text) : readCsv(text);
  if (problems.length > 0) return refuse(problems);
  if (rows.length === 0) return refuse([{ line: 1, message: 'holds no record' }]);
  if (rows.length > RECORDS_MAX) return refuse([{ line: 1, message: `more than ${RECORDS_MAX} records: split it` }]);
  return check(rows);
}

function check(rows: readonly Row[]): ReadImport {
  const lines: ImportLine[] = [];
  const problems: ImportProblem[] = [];
  for (const { line, cells } of rows) {
    const mistakes = wrongKeys(cells);
    const parsed = businessRecordSchema.safeParse(fieldsOf(cells));
    if (mistakes.length === 0 && parsed.success) lines.push({ line, record: parsed.data });
    else if (mistakes.length > 0) problems.push(...mistakes.map((message) => ({ line, message })));
    else if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => ({ line, message: wordsOf(issue) })));
  }
  const all = [...problems, ...overlaps(lines)].toSorted((a, b) => a.line - b.line);
  return all.length > 0 ? refuse(all) : { ok: true, lines };
}

function refuse(problems: readonly ImportProblem[]): ReadImport {
  const more = problems.length - PROBLEMS_MAX;
  const shown = problems.slice(0, PROBLEMS_MAX);
  const last = shown.at(-1)?.line ?? 1;
  return { ok: false, problems: more > 0 ? [...shown, { line: last, message: `and ${more} more mistakes` }] : shown };
}

/** `site/device` or `site/line x`: whom the figures are of. */
export function unitOf({ site, device, line }: BusinessRecord): string {
  return device === null ? `${site}/line ${line}` : `${site}/${device}`;
}

/** The same time told twice would count twice. */
function overlaps(lines: readonly ImportLine[]): readonly ImportProblem[] {
  const byUnit = new Map<string, ImportLine[]>();
  for (const each of lines) byUnit.set(unitOf(each.record), [...(byUnit.get(unitOf(each.record)) ?? []), each]);
  return [...byUnit.values()].flatMap((own) => {
    const sorted = own.toSorted((a, b) => a.record.fromMs - b.record.fromMs);
    return sorted.slice(1).flatMap(({ line, record }, at) => {
      const before = sorted[at];
      if (before === undefined || before.record.toMs <= record.fromMs) return [];
      return [{ line, message: `overlaps line ${before.line}, of the same ${unitOf(record)}` }];
    });
  });
}

function wrongKeys(cells: Row['cells']): readonly string[] {
  const unknown = Object.keys(cells).filter((key) => !Object.hasOwn(FIELDS, key));
  const missing = NEEDED.filter((key) => cells[key] === undefined || cells[key] === '');
  return [
    ...unknown.map((key) => `unknown "${key}"; known: ${IMPORT_COLUMNS.join(', ')}`),
    ...missing.map((key) => `${key} is missing`),
  ];
}

function fieldsOf(cells: Row['cells']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(cells).flatMap(([key, value]): [string, unknown][] => {
      const field = FIELDS[key];
      if (field === undefined || value === '' || value === null) return [];
      if (field === 'fromMs' || field === 'toMs') return [[field, timeOf(value)]];
      return [[field, NAMES.has(key) || typeof value !== 'string' ? value : Number(value)]];
    }),
  );
}

/** With its zone: a time that everybody reads alike. */
function timeOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(value);
  return isTime ? Date.parse(value) : Number.NaN;
}

function wordsOf({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  const column = Object.entries(FIELDS).find(([, field]) => field === path[0])?.[0];
  if (column === undefined) return message;
  if (column === 'from' || column === 'to') return `${column} must be a time such as 2026-03-02T06:00:00Z`;
  return NAMES.has(column) ? `${column}: ${message}` : `${column} must be a number of at least 0`;
}

function readCsv(text: string): Rows {
  const [header, ...lines] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const columns = cellsOf(header ?? '');
  if (columns === null) return { rows: [], problems: [{ line: 1, message: 'a quote is not closed' }] };
  const problems: ImportProblem[] = wrongKeys(Object.fromEntries(columns.map((name) => [name, name]))).map(
    (message) => ({ line: 1, message: `header: ${message}` }),
  );
  const twice = columns.filter((name, at) => columns.indexOf(name) < at);
  problems.push(...twice.map((name) => ({ line: 1, message: `header: "${name}" stands twice` })));
  if (problems.length > 0) return { rows: [], problems };
  const rows: Row[] = [];
  for (const [at, content] of lines.entries()) {
    const line = at + 2;
    if (content.trim() === '') continue;
    const cells = cellsOf(content);
    if (cells === null) problems.push({ line, message: 'a quote is not closed' });
    else if (cells.length !== columns.length)
      problems.push({ line, message: `has ${cells.length} cells, and the header ${columns.length}` });
    else rows.push({ line, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ''])) });
  }
  return { rows, problems };
}

/** Cells of one line; a quoted one may hold commas, and a quote as two. Null when a quote is not closed. */
function cellsOf(line: string): readonly string[] | null {
  const cells: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y;
  while (pattern.lastIndex <= line.length) {
    const match = pattern.exec(line);
    if (match === null) return null;
    cells.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
    if (match[3] === '') return cells;
  }
  return cells;
}

function readJson(text: string): Rows {
  const objects = topObjects(text);
  const isList = text.trimStart().startsWith('[');
  const whole = isList ? parse(text) : { ok: true as const };
  if (!whole.ok) return { rows: [], problems: [{ line: 1, message: `not JSON: ${whole.message}` }] };
  const read = objects.map(({ line, source }) => ({ line, ...parse(source) }));
  const problems = read.flatMap((each) => (each.ok ? [] : [{ line: each.line, message: `not JSON: ${each.message}` }]));
  return { rows: read.flatMap((each) => (each.ok ? [{ line: each.line, cells: each.value }] : [])), problems };
}

type ParsedObject =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly message: string };

function parse(source: string): ParsedObject {
  try {
    return { ok: true, value: JSON.parse(source) as Record<string, unknown> };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

/** Objects that lie in no other one, each with the line that it begins on. */
function topObjects(text: string): readonly { readonly line: number; readonly source: string }[] {
  const found: { line: number; source: string }[] = [];
  let [depth, line, beganAt, beganLine] = [0, 1, 0, 1];
  // What stands in quotes is passed over whole: a bracket there is none.
  for (const match of text.matchAll(/"(?:\\.|[^"\\])*"?|[{}\n]/g)) {
    const [sign] = match;
    if (sign === '\n') line += 1;
    if (sign === '{' && depth++ === 0) [beganAt, beganLine] = [match.index, line];
    if (sign === '}' && depth > 0 && --depth === 0)
      found.push({ line: beganLine, source: text.slice(beganAt, match.index + 1) });
  }
  return depth === 0 ? found : [...found, { line: beganLine, source: text.slice(beganAt) }];
}
