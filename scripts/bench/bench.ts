// `npm run bench [-- --only ID…] [--json] [--minutes N]`: figures as ratios to a limit measured in the same run. Exit 0 when
// all were measured, 1 when one could not be, 2 when used wrongly; whether a goal is kept is for the reader of the row.
import { parseArgs } from 'node:util';
import { describeError } from '../../shared/basics/errors.ts';
import { isRowWanted, isWanted, unknownIds } from './choice.ts';
import type { Row } from './figure.ts';
import { figures, type ListedFigure } from './figures.ts';
import { renderRows } from './table.ts';

/** A day. */
const MINUTES_MAX = 1440;

const USAGE = `npm run bench [-- --only ID…] [--json] [--minutes N]

  --only     figures or single rows by their ids, or all whose ids begin so (gap, pipeline.fps); all quick ones when left out
  --json     one JSON object per row, as soon as it is measured
  --minutes  how long figures measure that can take any time (soak.rss)

figures: ${figures.map((figure) => figure.id).join(', ')}
`;

type Asked = {
  readonly only: readonly string[];
  readonly json: boolean;
  readonly minutes: number | null;
  readonly help: boolean;
};

/** `--only a b` and `--only a --only b` both work. Throws on what cannot be meant. */
function readArguments(): Asked {
  const { values, positionals } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const { only, minutes, ...rest } = values;
  if (positionals.length > 0 && only.length === 0) throw new Error(`write --only ${positionals.join(' ')}`);
  const ids = [...only, ...positionals];
  const unknown = unknownIds(figures, ids);
  if (unknown.length > 0) throw new Error(`no figure named ${unknown.join(', ')}`);
  if (minutes !== undefined && !(Number(minutes) > 0 && Number(minutes) <= MINUTES_MAX))
    throw new Error(`--minutes is "${minutes}": a number above 0, at most ${MINUTES_MAX}, is due`);
  return { ...rest, only: ids, minutes: minutes === undefined ? null : Number(minutes) };
}

async function run({ only, json, minutes, help }: Asked): Promise<number> {
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const rows: Row[] = [];
  let failed = 0;
  for (const figure of figures.filter((one) => isWanted(one, only))) {
    const measured = await measureOrSay(figure, minutes);
    if (measured === null) failed += 1;
    const asked = (measured ?? []).filter((row) => isRowWanted(row, figure, only));
    rows.push(...asked);
    if (json) for (const row of asked) process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  if (!json) process.stdout.write(renderRows(rows));
  return failed === 0 ? 0 : 1;
}

/** A figure that fails says why and costs the others nothing. */
async function measureOrSay(figure: ListedFigure, minutes: number | null): Promise<readonly Row[] | null> {
  const say = (text: string): boolean => process.stderr.write(`bench ${figure.id}: ${text}\n`);
  try {
    const { measure } = await figure.load();
    return await measure(say, { minutes });
  } catch (error) {
    say(`failed: ${describeError(error)}`);
    return null;
  }
}

async function main(): Promise<number> {
  let asked: Asked;
  try {
    asked = readArguments();
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n\n${USAGE}`);
    return 2;
  }
  return run(asked);
}

process.exitCode = await main();
