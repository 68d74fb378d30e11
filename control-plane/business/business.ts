// The door of the business room: figures that people bring in, whole files or nothing, and what is there.
import { type BusinessRecord, FIGURES } from '../../shared/measure/business.ts';
import {
  type ImportLine,
  type ImportProblem,
  readBusinessImport,
  unitOf,
} from '../../shared/measure/business-import.ts';
import type { BusinessCoverage, ImportAnswer } from '../../shared/protocol/api-metrics.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import type { Device } from '../devices/device.ts';
import { readBusiness, replaceRecord, unitKey } from './business-rows.ts';

export type BusinessParts = {
  readonly database: Database;
  readonly audit: Audit;
  readonly devices: { list(): Promise<readonly Device[]> };
  readonly wallNow: () => number;
};

export type Imported =
  | { readonly kind: 'imported'; readonly answer: ImportAnswer }
  | { readonly kind: 'refused'; readonly problems: readonly ImportProblem[] };

export type ImportInput = { readonly text: string; readonly actor: string; readonly source: string };

export type Business = {
  /** All of it, or nothing with every mistake. The same file again changes nothing. */
  importText(input: ImportInput): Promise<Imported>;
  /** What is known, by site and device or line. */
  coverage(): Promise<readonly BusinessCoverage[]>;
};

export function openBusiness(parts: BusinessParts): Business {
  return {
    importText: async (input) => {
      const read = readBusinessImport(input.text);
      if (!read.ok) return { kind: 'refused', problems: read.problems };
      const known = await parts.devices.list();
      const sites = [...new Set(read.lines.map(({ record }) => record.site))];
      const fromMs = read.lines.reduce((least, { record }) => Math.min(least, record.fromMs), Number.POSITIVE_INFINITY);
      const stored = await readBusiness(parts.database, sites, fromMs);
      const problems = read.lines.flatMap((line) => [...strangers(line, known), ...collisions(line, stored)]);
      if (problems.length > 0) return { kind: 'refused', problems };
      return { kind: 'imported', answer: await store(parts, input, read.lines) };
    },
    coverage: async () => {
      const devices = await parts.devices.list();
      const sites = [...new Set(devices.map(({ site }) => site))];
      return coverageOf(await readBusiness(parts.database, sites, 0));
    },
  };
}

/** Figures of a device that nobody knows would never be looked at. */
function strangers({ line, record }: ImportLine, devices: readonly Device[]): readonly ImportProblem[] {
  const isKnown = devices.some(
    ({ site, device, line: own }) =>
      site === record.site && (record.device === null ? own === record.line : device === record.device),
  );
  return isKnown ? [] : [{ line, message: `${unitOf(record)} was never heard of` }];
}

function collisions({ line, record }: ImportLine, stored: readonly BusinessRecord[]): readonly ImportProblem[] {
  const other = stored.find(
    (each) =>
      each.site === record.site &&
      unitKey(each) === unitKey(record) &&
      each.fromMs < record.toMs &&
      record.fromMs < each.toMs &&
      !(each.fromMs === record.fromMs && each.toMs === record.toMs),
  );
  if (other === undefined) return [];
  const span = `${new Date(other.fromMs).toISOString()} to ${new Date(other.toMs).toISOString()}`;
  return [
    { line, message: `overlaps what is known of ${unitOf(record)} from ${span}; a correction gives that very span` },
  ];
}

async function store(
  { database, audit, wallNow }: BusinessParts,
  { actor, source }: ImportInput,
  lines: readonly ImportLine[],
): Promise<ImportAnswer> {
  const figures = FIGURES.filter((figure) => lines.some(({ record }) => record[figure] !== null));
  return database.transaction().execute(async (transaction) => {
    const inserted = await transaction
      .insertInto('business_imports')
      .values({ at_ms: wallNow(), actor, source, records: lines.length })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const { record } of lines) await replaceRecord(transaction, record, inserted.id);
    const units = new Set(lines.map(({ record }) => unitOf(record))).size;
    await audit.append(transaction, {
      actor,
      action: 'metrics-imported',
      subject: `metrics/${inserted.id}`,
      reason: source,
      details: { records: lines.length, units, figures },
    });
    return { id: inserted.id, records: lines.length, units, figures: [...figures] };
  });
}

function coverageOf(records: readonly BusinessRecord[]): readonly BusinessCoverage[] {
  const byUnit = new Map<string, BusinessRecord[]>();
  for (const record of records) byUnit.set(unitOf(record), [...(byUnit.get(unitOf(record)) ?? []), record]);
  return [...byUnit.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { site, device, line } = first;
    const figures = FIGURES.filter((figure) => own.some((record) => record[figure] !== null));
    const fromMs = Math.min(...own.map((record) => record.fromMs));
    return [
      {
        site,
        device,
        line,
        fromMs,
        toMs: Math.max(...own.map(({ toMs }) => toMs)),
        records: own.length,
        figures: [...figures],
      },
    ];
  });
}
