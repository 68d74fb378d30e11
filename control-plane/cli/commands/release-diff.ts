// `belay release diff A B`: what is different between two releases, field by field, with their offline metrics side by side.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type Release, releaseSchema } from '../../../shared/protocol/api-releases.ts';
import type { Output } from '../output.ts';
import { addAction, argument } from '../program.ts';
import { renderTable } from '../render/table.ts';

export type FieldChange = { readonly path: string; readonly before: unknown; readonly after: unknown };

const HELP = `
Example
  belay release diff cv-detector:1.8.2 cv-detector:2.0.0`;

export function addReleaseDiff(release: Command): void {
  const command = release
    .command('diff')
    .argument('<a>', 'a release, usually the one that runs')
    .argument('<b>', 'another, usually the candidate')
    .description('what is different between two releases, field by field')
    .addHelpText('after', HELP);
  addAction(command, async ({ api, output }, args) => {
    const find = (reference: string) => api.ask(endpoint('POST /v1/releases/lookup'), releaseSchema, { reference });
    const [a, b] = [await find(argument(args, 0)), await find(argument(args, 1))];
    const changes = diffValues(a.manifest, b.manifest);
    output.show({ a: a.id, b: b.id, same: a.digest === b.digest, changes }, () => renderDiff(a, b, changes, output));
    return undefined;
  });
}

/** Leaves that differ, by dotted path; lists whose items have a `name`, `path` or `metric` are compared by that. */
export function diffValues(before: unknown, after: unknown, path = ''): readonly FieldChange[] {
  const [a, b] = [childrenOf(before), childrenOf(after)];
  if (a === null || b === null)
    return JSON.stringify(before) === JSON.stringify(after)
      ? []
      : [{ path, before: before ?? null, after: after ?? null }];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((key) =>
    diffValues(a.get(key), b.get(key), path === '' ? key : `${path}.${key}`),
  );
}

function childrenOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const named = value.map((item, at) => [keyOf(item) ?? String(at), item] as const);
  return new Map(named);
}

function keyOf(item: unknown): string | null {
  if (typeof item !== 'object' || item === null) return null;
  const { name, path, metric, class: label, size } = item as Record<string, unknown>;
  const key = [name ?? path ?? metric, label, size].filter((part) => typeof part === 'string');
  return key.length === 0 ? null : key.join(' ');
}

function renderDiff(a: Release, b: Release, changes: readonly FieldChange[], output: Pick<Output, 'tint'>): string {
  const head = `${output.tint('bold', a.id)} → ${output.tint('bold', b.id)}`;
  if (changes.length === 0) return `${head}\nNothing is different: both have the digest ${a.digest}`;
  const rows = changes.map(({ path, before, after }) => [path, shown(before), shown(after), delta(before, after)]);
  return `${head}\n${renderTable(
    ['FIELD', 'BEFORE', 'AFTER', 'CHANGE'].map((title) => ({ title })),
    rows,
  )}`;
}

const DIGEST = /^[0-9a-f]{64}$/;

function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return DIGEST.test(value) ? `${value.slice(0, 12)}…` : value;
  return JSON.stringify(value);
}

function delta(before: unknown, after: unknown): string {
  if (typeof before !== 'number' || typeof after !== 'number' || before === 0) return '';
  const percent = ((after - before) / Math.abs(before)) * 100;
  return `${percent >= 0 ? '+' : '−'}${Math.abs(percent).toFixed(1)} %`;
}
