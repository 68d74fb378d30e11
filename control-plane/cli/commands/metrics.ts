// `belay metrics …`: bring in what devices do not know (reviews, defects, costs), and see what is known.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { IMPORT_COLUMNS, readBusinessImport } from '../../../shared/measure/business-import.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import { coverageListSchema, importAnswerSchema } from '../../../shared/protocol/api-metrics.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument } from '../program.ts';
import { renderTable } from '../render/table.ts';

export function addMetricsCommands(program: Command): void {
  const metrics = program
    .command('metrics')
    .description('business figures of devices and lines: reviewed alerts, defects caught, parts, cost');
  addImport(metrics);
  addShow(metrics);
}

function addImport(metrics: Command): void {
  const command = metrics
    .command('import')
    .argument('<file>', 'CSV with a header, a JSON list, or one JSON object a line')
    .description(
      `bring in a file, all of it or nothing. Columns: ${IMPORT_COLUMNS.join(', ')}; a device or a line; times with their zone. The same span again is a correction`,
    )
    .option('--check', 'only look for mistakes; nothing is sent (the same as --dry-run)');
  type Options = ChangeOptions & { check?: boolean };
  addAction<Options>(addChangeOptions(command, null), async ({ api, output, actor }, args, { check, dryRun }) => {
    const file = argument(args, 0);
    const text = await readText(file);
    const read = readBusinessImport(text);
    if (!read.ok) {
      const lines = read.problems.map(({ line, message }) => `${file}:${line} ${message}`);
      throw new CommandError(EXIT.usage, `nothing was brought in\n${lines.join('\n')}`, { problems: read.problems });
    }
    if (check || dryRun) {
      output.show({ records: read.lines.length }, () => `${read.lines.length} records, no mistakes; nothing was sent.`);
      return undefined;
    }
    const answer = await api.ask(endpoint('POST /v1/metrics/business'), importAnswerSchema, {
      text,
      source: basename(file),
      actor,
    });
    output.show(
      answer,
      () => `Brought in ${answer.records} records of ${answer.units} devices and lines (${answer.figures.join(', ')}).`,
    );
    return undefined;
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `cannot read ${file}: ${describeError(error)}`);
  }
}

function addShow(metrics: Command): void {
  const command = metrics.command('list').description('which devices and lines have figures, from when to when');
  addAction(command, async ({ api, output }) => {
    const { units } = await api.ask(endpoint('GET /v1/metrics/business'), coverageListSchema);
    output.show({ units }, () => {
      if (units.length === 0) return 'No business figures yet: belay metrics import <file>.';
      const day = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 16)}Z`;
      return renderTable(
        ['SITE', 'DEVICE', 'LINE', 'FROM', 'TO', 'RECORDS', 'FIGURES'].map((title) => ({ title })),
        units.map((unit) => [
          unit.site,
          unit.device ?? '–',
          unit.line ?? '–',
          day(unit.fromMs),
          day(unit.toMs),
          String(unit.records),
          unit.figures.join(', '),
        ]),
      );
    });
    return undefined;
  });
}
