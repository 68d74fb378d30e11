// `npm run simulate:decisions`: drives the production judge over simulated fleets (test/simulation/decisions) and prints the
// figures it is held to. Exit 0: every goal is met, 1: one is missed, 2: wrong use.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { comparisonText, EFFECTS_PCT } from '../test/simulation/decisions/comparison.ts';
import { FIGURES, type Figure, type Row } from '../test/simulation/decisions/figures.ts';
import { runMany } from '../test/simulation/decisions/run-pool.ts';

const HELP = `npm run simulate:decisions -- [options]

Seeded fleets of 200 devices at 4 factories, in virtual minutes, judged by the production code at every minute: how often
it is wrong about a good candidate, and how soon it finds a bad one.

  --only ID…      these figures alone: --only detect.p95+20 promote.unchanged
  --runs N        so many runs of each figure, instead of its own number
  --seed S        first seed (default 1); a run depends on its seed alone
  --threads T     default: one per core
  --table         instead of the figures: false alarms and detection times beside those of other rules (60 runs each);
                  kept as test/simulation/decisions/TABLE.txt
  --json          one line of JSON per figure: id, runs, value, goal, met, details
  --help

Figures:
${FIGURES.map(({ id, title, runs }) => `  ${id.padEnd(24)}${title} (${runs} run${runs === 1 ? '' : 's'})`).join('\n')}
`;

const OPTIONS = {
  only: { type: 'string', multiple: true },
  runs: { type: 'string' },
  seed: { type: 'string', default: '1' },
  threads: { type: 'string' },
  table: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Wanted = {
  readonly figures: readonly Figure[];
  readonly runs: number | null;
  readonly seed: number;
  readonly threads: number;
  readonly isTable: boolean;
  readonly isJson: boolean;
};

/** What is asked for; a sentence when it makes no sense; null when only help is wanted. */
function readArguments(): Wanted | string | null {
  const parsed = parseOptions();
  if (typeof parsed === 'string') return parsed;
  const { values, positionals } = parsed;
  if (values.help) return null;
  const wrongNumber = wrongNumberIn(values);
  if (wrongNumber !== null) return wrongNumber;
  const only = [...(values.only ?? []), ...positionals].flatMap((text) => text.split(','));
  if (positionals.length > 0 && values.only === undefined) return `"${positionals[0]}" belongs behind --only`;
  const unknown = only.find((id) => !FIGURES.some((figure) => figure.id === id));
  if (values.table && (values.json || only.length > 0)) return '--table goes with --runs, --seed and --threads only';
  if (unknown !== undefined)
    return `there is no figure "${unknown}"; there are ${FIGURES.map(({ id }) => id).join(', ')}`;
  return {
    figures: only.length === 0 ? FIGURES : FIGURES.filter(({ id }) => only.includes(id)),
    runs: values.runs === undefined ? null : Number(values.runs),
    seed: Number(values.seed),
    threads: values.threads === undefined ? availableParallelism() : Number(values.threads),
    isTable: values.table,
    isJson: values.json,
  };
}

function wrongNumberIn(values: Readonly<Record<string, unknown>>): string | null {
  for (const name of ['runs', 'seed', 'threads']) {
    const text = values[name];
    if (text !== undefined && !(Number.isSafeInteger(Number(text)) && Number(text) > 0))
      return `--${name} takes a whole number above zero, not "${text}"`;
  }
  return null;
}

function parseOptions() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const [first = 'wrong use'] = (error instanceof Error ? error.message : String(error)).split('\n');
    return first;
  }
}

function progressOf(what: string, count: number): (done: number) => void {
  const startedAtMs = performance.now();
  return (done) => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
    process.stderr.write(`${what}: ${done} of ${count} runs, ${seconds} s\n`);
  };
}

const TABLE_RUNS = 60;

async function printTable({ runs, seed, threads }: Wanted): Promise<void> {
  const count = runs ?? TABLE_RUNS;
  const byEffect = [];
  for (const effect of EFFECTS_PCT) {
    const what = `table+${effect}`;
    byEffect.push(await runMany({ what, from: seed, count, threads, onProgress: progressOf(what, count) }));
  }
  process.stdout.write(comparisonText({ runs: count, byEffect }));
}

async function measure(figure: Figure, { runs, seed, threads }: Wanted): Promise<Row> {
  const count = figure.isAlone ? figure.runs : (runs ?? figure.runs);
  const outcomes = await runMany({
    what: figure.id,
    from: seed,
    count,
    threads: figure.isAlone ? 1 : threads,
    onProgress: progressOf(figure.id, count),
  });
  return { id: figure.id, runs: count, ...figure.summarise(outcomes.flat()) };
}

function tableLine({ id, runs, value, goal, met, details }: Row): string {
  const more = Object.entries(details).map(([name, number]) => `${name} ${number}`);
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(3);
  return [
    id.padEnd(24),
    String(runs).padStart(6),
    shown.padStart(8),
    (met ? 'met' : 'MISSED').padEnd(7),
    goal,
    ...more,
  ].join('  ');
}

async function simulateDecisions(wanted: Wanted): Promise<number> {
  if (wanted.isTable) {
    await printTable(wanted);
    return 0;
  }
  const rows: Row[] = [];
  for (const figure of wanted.figures) {
    const row = await measure(figure, wanted);
    rows.push(row);
    process.stdout.write(wanted.isJson ? `${JSON.stringify(row)}\n` : `${tableLine(row)}\n`);
  }
  return rows.every(({ met }) => met) ? 0 : 1;
}

const wanted = readArguments();
if (wanted === null) process.stdout.write(HELP);
else if (typeof wanted === 'string') {
  process.stderr.write(`simulate:decisions: ${wanted}; --help tells more\n`);
  process.exitCode = 2;
} else process.exitCode = await simulateDecisions(wanted);
