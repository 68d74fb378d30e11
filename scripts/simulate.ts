// `npm run simulate`: runs seeds of the deterministic simulation (test/simulation) and tells those that break a promise,
// with everything that is needed to run them again. Exit 1 when any does, 2 for wrong use.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { allMutants, mutantNamed } from '../test/simulation/mutants/mutants.ts';
import { runSeeds } from '../test/simulation/seed-pool.ts';
import type { Run } from '../test/simulation/simulation.ts';

const HELP = `npm run simulate -- [options]

Whole fleets in virtual time: real reducers, frame loops and rollout decisions under dropped, repeated, late and
reordered messages, partitions, power cuts, sleeping boxes, full disks and a stale leader. Each seed is one fleet.

  --seeds N       how many seeds (default 200)
  --from S        first seed (default 1); --seeds 1 --from S runs one seed again
  --devices D     devices in each fleet, instead of what the seed draws
  --hours H       hours of faults, instead of what the seed draws
  --mutant NAME   with a planted mistake, which the checker must catch
  --threads T     default: one per core
  --json          one line of JSON per run
  --help

Mutants: ${Object.keys(allMutants()).join(', ')}
`;

const OPTIONS = {
  seeds: { type: 'string', default: '200' },
  from: { type: 'string', default: '1' },
  devices: { type: 'string' },
  hours: { type: 'string' },
  mutant: { type: 'string' },
  threads: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const TRACE_LINES = 40;
/** Beyond it a clock of a run would leave its range, and nobody would wait for the end. */
const HOURS_MAX = 1000;

type Wanted = {
  readonly seeds: number;
  readonly from: number;
  readonly threads: number;
  readonly overrides: { readonly devices?: number; readonly hours?: number };
  readonly mutant: string | null;
  readonly isJson: boolean;
};

/** What is asked for; a sentence when it makes no sense; null when only help is wanted. */
function readArguments(): Wanted | string | null {
  const values = parseOptions();
  if (typeof values === 'string') return values;
  if (values.help) return null;
  for (const name of ['seeds', 'from', 'devices', 'threads'] as const) {
    const text = values[name];
    if (text !== undefined && !(Number.isSafeInteger(Number(text)) && Number(text) > 0))
      return `--${name} takes a whole number above zero, not "${text}"`;
  }
  const { hours, devices, threads, mutant = null } = values;
  if (hours !== undefined && !(Number(hours) > 0 && Number(hours) <= HOURS_MAX))
    return `--hours takes a number above zero, ${HOURS_MAX} at most, not "${hours}"`;
  if (mutant !== null && mutantNamed(mutant) === null)
    return `there is no mutant "${mutant}"; there are ${Object.keys(allMutants()).join(', ')}`;
  return {
    seeds: Number(values.seeds),
    from: Number(values.from),
    threads: threads === undefined ? availableParallelism() : Number(threads),
    overrides: {
      ...(devices === undefined ? {} : { devices: Number(devices) }),
      ...(hours === undefined ? {} : { hours: Number(hours) }),
    },
    mutant,
    isJson: values.json,
  };
}

function parseOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    const [first = 'wrong use'] = (error instanceof Error ? error.message : String(error)).split('\n');
    return first;
  }
}

/** As it must be typed to see the same run again. */
function commandFor(seed: number, { overrides, mutant }: Wanted): string {
  const { devices, hours } = overrides;
  const more = [
    devices === undefined ? '' : ` --devices ${devices}`,
    hours === undefined ? '' : ` --hours ${hours}`,
    mutant === null ? '' : ` --mutant ${mutant}`,
  ];
  return `npm run simulate -- --from ${seed} --seeds 1${more.join('')}`;
}

function tellRun({ parameters, violation, ...run }: Run, wanted: Wanted): void {
  const again = commandFor(run.seed, wanted);
  const { isJson } = wanted;
  const { trace = [], ...facts } = violation ?? {};
  const told = violation === null ? null : { ...facts, again };
  if (isJson) process.stdout.write(`${JSON.stringify({ ...run, devices: parameters.devices, violation: told })}\n`);
  if (violation === null || isJson) return;
  process.stdout.write(
    [
      `\nseed ${run.seed} broke a promise: ${violation.invariant}`,
      `  ${violation.message}`,
      `  where: ${violation.device ?? 'the control plane'}, at ${(violation.atMs / 1000).toFixed(3)} s of virtual time`,
      '  the last steps:',
      ...trace.slice(-TRACE_LINES).map((line) => `    ${line.slice(0, 300)}`),
      `  parameters: ${JSON.stringify(parameters)}`,
      `  again: ${again}`,
      '',
    ].join('\n'),
  );
}

async function simulateSeeds(wanted: Wanted): Promise<number> {
  const startedAtMs = performance.now();
  let done = 0;
  const runs = await runSeeds({
    ...wanted,
    count: wanted.seeds,
    onRun: (run) => {
      done += 1;
      tellRun(run, wanted);
      if (!wanted.isJson && done % 25 === 0) process.stderr.write(`${done} of ${wanted.seeds} seeds\n`);
    },
  });
  const seconds = (performance.now() - startedAtMs) / 1000;
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0);
  const failed = runs.filter(({ violation }) => violation !== null);
  const deviceHours = sum(({ deviceHours: hours }) => hours);
  const text = [
    `${runs.length} seeds, ${sum(({ parameters }) => parameters.devices)} devices, ${deviceHours.toFixed(0)} device-hours`,
    `${sum(({ steps }) => steps)} steps, ${sum(({ answers }) => answers)} answers`,
    `${seconds.toFixed(1)} s (${(deviceHours / seconds).toFixed(0)} device-hours per second)`,
    failed.length === 0
      ? 'no promise was broken'
      : `${failed.length} broke a promise: ${failed.map(({ seed }) => seed).join(', ')}`,
  ];
  process.stderr.write(`${text.join('\n')}\n`);
  return failed.length === 0 ? 0 : 1;
}

const wanted = readArguments();
if (wanted === null) process.stdout.write(HELP);
else if (typeof wanted === 'string') {
  process.stderr.write(`simulate: ${wanted}; --help tells more\n`);
  process.exitCode = 2;
} else process.exitCode = await simulateSeeds(wanted);
