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
type Run = (ground: Ground, options: FaultOptions, say: (text: string) => void) => Promise<readonly Row[]>;

const PARTS: readonly Part[] = [
  {
    name: 'power',
    needsMounts: true,
    run: (ground, { cuts, seed, isShort }, say) =>
      cutPower(ground, { cuts, startEvery: isShort ? 5 : 10, dice: openDice(seed), say }),
  },
  {
    name: 'kill',
    needsMounts: false,
    run: (ground, { kills, seed }, say) => killAgents(ground, { kills, dice: openDice(seed), say }),
  },
  {
    name: 'disk',
    needsMounts: true,
    run: async (ground, { isShort }) => [...(await fillDisks(ground, isShort)), ...(await readOnlyDisks(ground))],
  },
  { name: 'clock', needsMounts: false, run: (ground) => setClocks(ground) },
];

/** Gives the number of rows whose promise was broken. */
export async function runFaults(options: FaultOptions): Promise<number> {
  const parts = PARTS.filter((part) => options.only === null || part.name === options.only);
  if (parts.length === 0) throw new Error(`--only takes ${PARTS.map((part) => part.name).join(', ')}`);
  process.stderr.write(`seed ${options.seed}\n`);
  const rows: Row[] = [];
  await withWorkspace(async (workspace) => {
    const ground = await openGround(workspace);
    for (const part of parts) rows.push(...(await runPart(part, ground, options)));
  });
  if (options.isJson) process.stdout.write(`${JSON.stringify({ seed: options.seed, rows }, null, 2)}\n`);
  return rows.filter((row) => row.failures.length > 0).length;
}

async function runPart(part: Part, ground: Ground, options: FaultOptions): Promise<readonly Row[]> {
  const say = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${part.name} ${text}   `);
  };
  const fault = part.needsMounts ? mountFault(ground.folder) : null;
  const rows = fault === null ? await part.run(ground, options, say) : [untried(part.name, fault, options)];
  if (!options.isJson) for (const row of rows) process.stdout.write(show(row));
  return rows;
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
