// The priority of a process is that of every thread of it: a runner computes on one and answers on another.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { setNice } from '../../../agent/frames/process-nice.ts';

const TWO_THREADS = `
  const { Worker } = require('node:worker_threads');
  new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true }).on('online', () => console.log('up'));
`;

let child: ChildProcess | null = null;

afterEach(() => {
  child?.kill('SIGKILL');
});

/** Nice values of its threads: field 19 of proc(5)'s stat, counted from behind the name. */
function niceValues(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}

it('reaches the threads that a process has already', async () => {
  child = spawn(process.execPath, ['-e', TWO_THREADS], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  const pid = child.pid!;
  const before = niceValues(pid);
  expect(before.length).toBeGreaterThan(2);
  setNice(pid, 13);
  expect(new Set(niceValues(pid))).toEqual(new Set([13]));
});

it('throws when there is no such process', () => {
  expect(() => setNice(2 ** 22 + 1, 5)).toThrow(/no such process/);
});
