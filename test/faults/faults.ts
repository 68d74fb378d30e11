// All fault tests in a row, and the table of what they have seen.
import { withWorkspace } from '../../scripts/bench/workspace.ts';
import { mountFault } from './disks.ts';
import { fillDisks } from './full-disk.ts';
import { type Ground, openGround } from './ground.ts';
import { killAgents } from './kills.ts';
import { cutPower } from './power-cuts.ts';
import { readOnlyDisks } from './read-only-disk.ts';
import { openDice, type Row } from './row.ts';
import { setClocks } from './wrong-clock.ts';

export type FaultOptions = {
  readonly cuts: number;
  readonly kills: number;
  readonly only: string | null;
  readonly seed: number;
  readonly isShort: boolean;
  readonly isJson: boolean;
};

type Part = { readonly name: string; readonly needsMounts: boolean; readonly run: Run };
type Run = (ground: Ground, options: FaultOptions, say: (text: string) => void) => AsyncIterable<Row>;

const PARTS: readonly Part[] = [
  {
    name: 'power',
    needsMounts: true,
    run: (ground, { cuts, seed, isShort }, say) =>
      cutPower(ground, { cuts, startEvery: isShort ? 5 : 10, dice: openDice(seed), say }),
  },
  { name: 'clock', needsMounts: false, run: (ground) => setClocks(ground) },
  {
    name: 'kill',
    needsMounts: false,
    run: (ground, { kills, seed }, say) => killAgents(ground, { kills, dice: openDice(seed), say }),
  },
  { name: 'disk', needsMounts: true, run: failDisks },
];

async function* failDisks(ground: Ground, { isShort }: FaultOptions): AsyncGenerator<Row> {
  yield* fillDisks(ground, isShort);
  yield* readOnlyDisks(ground);
}

/** Gives the number of rows whose promise was broken. */
export async function runFaults(options: FaultOptions): Promise<number> {
  const parts = PARTS.filter((part) => options.only === null || part.name === options.only);
  if (parts.length === 0) throw new Error(`--only takes ${PARTS.map((part) => part.name).join(', ')}`);
  process.stderr.write(`seed ${options.seed}\n`);
  const rows: Row[] = [];
  await withWorkspace(async (workspace) => {
    const ground = await openGround(workspace);
    const run = async (lane: readonly Part[]) => {
      for (const part of lane) for await (const row of rowsOf(part, ground, options)) rows.push(row);
    };
    // They wait more than they work: the short run has two of them at a time.
    const half = options.isShort ? Math.ceil(parts.length / 2) : parts.length;
    await Promise.all([run(parts.slice(0, half)), run(parts.slice(half))]);
  });
  if (options.isJson) process.stdout.write(`${JSON.stringify({ seed: options.seed, rows }, null, 2)}\n`);
  return rows.filter((row) => row.failures.length > 0).length;
}

async function* rowsOf(part: Part, ground: Ground, options: FaultOptions): AsyncGenerator<Row> {
  const say = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${part.name} ${text}   `);
  };
  const fault = part.needsMounts ? mountFault(ground.folder, part.name) : null;
  const rows = fault === null ? part.run(ground, options, say) : [untried(part.name, fault, options)];
  for await (const row of endingWith(rows, part.name)) {
    if (!options.isJson) process.stdout.write(show(row));
    yield row;
  }
}

/** A part that could not be carried to its end is a broken promise too; the others go on. */
async function* endingWith(rows: AsyncIterable<Row> | readonly Row[], name: string): AsyncGenerator<Row> {
  try {
    yield* rows;
  } catch (error) {
    const failures = [(error as Error).stack ?? String(error)];
    yield { fault: `${name} faults`, promised: 'every test comes to its end', runs: 1, seen: 'it did not', failures };
  }
}

/** Where no disk can be mounted (most containers), CI goes on with what stands in for it, and says so; the long run fails. */
function untried(name: string, fault: string, { isShort }: FaultOptions): Row {
  const sentence = `not tried, because no disk of our own can be mounted here: ${fault}`;
  const instead =
    'in its place: kill -9 here, and the crash tests of test/agent/{state,artifacts,telemetry} in the unit tests';
  const failures = isShort ? [] : [`${sentence}; run it as root on a machine that allows loop mounts`];
  return {
    fault: `${name} faults`,
    promised: 'see agent/README.md',
    runs: 0,
    seen: `${sentence}; ${instead}`,
    failures,
  };
}

function show({ fault, promised, runs, seen, failures }: Row): string {
  const verdict = failures.length > 0 ? 'BROKEN' : runs > 0 ? 'kept  ' : 'UNTRIED';
  const lines = [`${verdict} ${fault} (${runs})`, `       promised: ${promised}`, `       seen:     ${seen}`];
  return `${[...lines, ...failures.slice(0, 20).map((failure) => `       ! ${failure}`)].join('\n')}\n`;
}
