// `npm run bench [-- --only ID…] [--json]`: figures as ratios to a limit measured in the same run.
import { parseArgs } from 'node:util';
import type { Figure, Row } from './figure.ts';
import { figures } from './figures.ts';

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const format = (value: number | null): string =>
  value === null || Number.isNaN(value) ? '–' : Number(value.toPrecision(3)).toString();

function printTable(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.id,
    `${format(row.ours)} ${row.unit}`,
    row.limit === null ? '–' : `${format(row.limit)} ${row.unit}`,
    format(row.ratio),
    row.goal,
    row.note,
  ]);
  const titled = [['FIGURE', 'OURS', 'LIMIT', 'RATIO', 'GOAL', 'NOTE'], ...cells];
  const widths = titled[0]?.map((_, i) => Math.max(...titled.map((row) => (row[i] ?? '').length))) ?? [];
  for (const row of titled)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}

/** `--only a b` and `--only a --only b` both work; an id names its figure, a dotted id also a single row of it. */
function wanted(): readonly string[] {
  return values.only ? [...values.only, ...positionals] : [];
}

function isWanted(figure: Figure, only: readonly string[]): boolean {
  return (
    only.length === 0 ||
    only.some((id) => id === figure.id || id.startsWith(`${figure.id}.`) || figure.id.startsWith(`${id}.`))
  );
}

async function run(): Promise<number> {
  if (values.help) {
    process.stdout.write(
      `npm run bench [-- --only ID…] [--json]\nfigures: ${figures.map((figure) => figure.id).join(', ')}\n`,
    );
    return 0;
  }
  const only = wanted();
  const chosen = figures.filter((figure) => isWanted(figure, only));
  if (chosen.length === 0) {
    process.stderr.write(
      `no figure named ${only.join(', ')}; there are: ${figures.map((figure) => figure.id).join(', ')}\n`,
    );
    return 2;
  }
  const rows: Row[] = [];
  for (const figure of chosen) {
    const measured = await figure.measure((text) => process.stderr.write(`bench ${figure.id}: ${text}\n`));
    rows.push(...measured);
    if (values.json) for (const row of measured) process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  if (!values.json) printTable(rows);
  return 0;
}

process.exitCode = await run();
