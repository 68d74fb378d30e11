// The start of the command line: `belay version` and `belay --help` as built, beside a Node that does nothing. By turns.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { buildCli } from '../build-cli.ts';
import { alternate, type Figure, type Row } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 31;
const GOAL_MS = 30;
const ROOT = path.resolve(import.meta.dirname, '../..');

export const cliStart: Figure = {
  id: 'cli.start',
  rows: ['version', 'help'],
  measure: (progress) => withWorkspace(({ folder }) => measureIn(folder, progress)),
};

async function measureIn(folder: string, progress: (text: string) => void): Promise<readonly Row[]> {
  await buildCli();
  const belay = await install(folder);
  const limit = () => timeOf(['-e', '0']);
  const rows: Row[] = [];
  for (const [name, args] of [
    ['version', ['version']],
    ['help', ['--help']],
  ] as const) {
    const ours = () => timeOf([belay, ...args]);
    progress(`${ROUNDS} starts of belay ${args.join(' ')}`);
    // The first ones fill the page cache and the compile cache.
    for (let i = 0; i < 3; i++) await ours();
    const measured = await alternate(ROUNDS, { ours, limit });
    const moreMs = measured.ours - measured.limit;
    rows.push({
      id: `cli.start.${name}`,
      ours: measured.ours,
      limit: measured.limit,
      ratio: measured.ours / measured.limit,
      unit: 'ms',
      goal: `≤ ${GOAL_MS} ms more`,
      note: noteOf(`${moreMs.toFixed(1)} ms more than node -e 0`, describeLoad()),
    });
  }
  return rows;
}

/** As a package has it: without sources that could be newer. */
async function install(folder: string): Promise<string> {
  for (const part of ['scripts/belay.mjs', 'control-plane/package.json', 'control-plane/cli/dist'])
    await cp(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  return path.join(folder, 'scripts/belay.mjs');
}

async function timeOf(args: readonly string[]): Promise<number> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return performance.now() - startedAtMs;
}
