// `npm run bench [-- --only ID…] [--json] [--minutes N]`: figures as ratios to a limit measured in the same run.
import { parseArgs } from 'node:util';
import { describeError } from '../../shared/basics/errors.ts';
import type { Figure, Row } from './figure.ts';
import { figures } from './figures.ts';
import { renderRows } from './table.ts';

const { values, positionals } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

/** `--only a b` and `--only a --only b` both work; an id names its figure, a dotted id also a single row of it. */
function wanted(): readonly string[] {
  return values.only ? [...values.only, ...positionals] : [];
}

function isWanted(figure: Figure, only: readonly string[]): boolean {
  return (
    (only.length === 0 && figure.onlyWhenAsked !== true) ||
    only.some((id) => id === figure.id || id.startsWith(`${figure.id}.`) || figure.id.startsWith(`${id}.`))
  );
}

/** All rows of a figure that was asked for by name; otherwise the rows whose id begins with what was asked for. */
function isRowWanted(row: Row, figure: Figure, only: readonly string[]): boolean {
  const isWhole = only.length === 0 || only.some((id) => id === figure.id || figure.id.startsWith(`${id}.`));
  return isWhole || only.some((id) => row.id === id || row.id.startsWith(`${id}.`));
}

async function run(): Promise<number> {
  if (values.help) {
    process.stdout.write(
      `npm run bench [-- --only ID…] [--json] [--minutes N]\nfigures: ${figures.map((figure) => figure.id).join(', ')}\n`,
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
  let failed = 0;
  for (const figure of chosen) {
    const measured = await measureOrSay(figure);
    if (measured === null) failed += 1;
    const asked = (measured ?? []).filter((row) => isRowWanted(row, figure, only));
    rows.push(...asked);
    if (values.json) for (const row of asked) process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  if (!values.json) process.stdout.write(renderRows(rows));
  return failed === 0 ? 0 : 1;
}

/** A figure that fails says why and costs the others nothing. */
async function measureOrSay(figure: Figure): Promise<readonly Row[] | null> {
  const say = (text: string): boolean => process.stderr.write(`bench ${figure.id}: ${text}\n`);
  try {
    return await figure.measure(say, { minutes: values.minutes === undefined ? null : Number(values.minutes) });
  } catch (error) {
    say(`failed: ${describeError(error)}`);
    return null;
  }
}

process.exitCode = await run();
