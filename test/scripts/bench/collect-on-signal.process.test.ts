// A soak weighs what processes keep: the agent, what it starts and their threads must all look for garbage when they are told.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';

const PRELOADED = new URL('../../../scripts/bench/collect-on-signal.ts', import.meta.url).href;

/** Says its name and pid when it runs, and its name again when what it has let go is gone: a process that is not told ends at the signal. */
const watch = (name: string): string => `
  const letGo = new WeakRef({});
  console.log('${name} ' + process.pid);
  const look = setInterval(() => {
    if (letGo.deref() !== undefined) return;
    console.log('${name} collected');
    clearInterval(look);
  }, 10);`;

const CHILD = `
  const { Worker } = require('node:worker_threads');
  setInterval(() => {}, 1000);
  new Worker(new URL('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(watch('thread')))}));
  ${watch('child')}`;

/** As the agent starts a runner: within limits, by a program that becomes Node. */
const PARENT = `
  import { spawn } from 'node:child_process';
  setInterval(() => {}, 1000);
  spawn('/usr/bin/env', ['WITHIN=limits', process.execPath, '-e', ${JSON.stringify(CHILD)}], { stdio: 'inherit' });
  ${watch('parent')}`;

const pids: number[] = [];
afterEach(() => {
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
});

it('looks for garbage in a process, in one that it starts and in the threads of that', async () => {
  const started = new Map<string, number>();
  const collected: string[] = [];
  const args = ['--import', PRELOADED, '--input-type=module', '-e', PARENT];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  pids.push(parent.pid ?? -1);
  createInterface({ input: parent.stdout }).on('line', (line) => {
    const [name = '', word] = line.split(' ');
    if (word === 'collected') collected.push(name);
    else started.set(name, Number(word));
  });
  await expect.poll(() => [...started.keys()].sort()).toEqual(['child', 'parent', 'thread']);
  const child = started.get('child') ?? -1;
  pids.push(child);
  for (const pid of [child, parent.pid ?? -1]) process.kill(pid, 'SIGUSR2');
  await expect.poll(() => [...collected].sort()).toEqual(['child', 'parent', 'thread']);
});
