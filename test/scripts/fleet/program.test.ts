// Programs of the fleet as real processes: heard, logged, ended.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Program, startProgram } from '../../../scripts/fleet/program.ts';

const STUBBORN = 'test/scripts/fleet/programs/stubborn.ts';

let logFolder = '';
let program: Program | null = null;
const lines: string[] = [];

beforeEach(async () => {
  logFolder = await mkdtemp(path.join(tmpdir(), 'belay-program-'));
  lines.length = 0;
});

afterEach(async () => {
  await program?.stop(100);
  program = null;
  await rm(logFolder, { recursive: true, force: true });
});

function start(args: readonly string[], name = 'stubborn'): Program {
  program = startProgram({
    name,
    entry: STUBBORN,
    args,
    logFolder,
    env: { GREETING: 'hello' },
    onLine: (line) => lines.push(line),
  });
  return program;
}

const untilSaid = (text: string) => vi.waitFor(() => expect(lines).toContain(text), { timeout: 15_000, interval: 20 });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a program of the fleet', () => {
  it('hears its environment, is heard line by line, and ends when it is asked to', async () => {
    const child = start(['obey']);
    await untilSaid('ready hello');
    expect(child.isRunning()).toBe(true);
    await child.stop();
    expect(await child.ended).toBe('SIGTERM');
    expect(child.isRunning()).toBe(false);
    expect(isAlive(child.pid)).toBe(false);
  });

  it('is killed after the deadline when it ignores SIGTERM', async () => {
    const child = start(['ignore-sigterm']);
    await untilSaid('ready hello');
    await child.stop(200);
    expect(await child.ended).toBe('SIGKILL');
    expect(isAlive(child.pid)).toBe(false);
    await untilSaid('not now');
  });

  it('may be stopped when it has ended already, and twice', async () => {
    const child = start(['fail']);
    expect(await child.ended).toBe('exit 3');
    await child.stop();
    await child.stop();
    expect(await child.ended).toBe('exit 3');
  });

  it('leaves the last twelve lines of its log to the error message, the reason included', async () => {
    const child = start(['fail', '40']);
    await child.ended;
    const tail = (await child.logTail()).split('\n');
    expect(tail).toHaveLength(12);
    expect(tail[0]).toBe('line 30');
    expect(tail.at(-1)).toBe('the disk is full');
  });

  it('has an empty tail while it has said nothing', async () => {
    const child = start(['obey']);
    await untilSaid('ready hello');
    expect(await child.logTail()).toBe('');
  });

  it('keeps stdout and stderr in files of its own name', async () => {
    const child = start(['fail', '1'], 'cam-a1');
    await child.ended;
    await child.logTail();
    expect(await readFile(path.join(logFolder, 'cam-a1.log'), 'utf8')).toBe('line 1\nthe disk is full\n');
    expect(await readFile(path.join(logFolder, 'cam-a1.out'), 'utf8')).toBe('');
  });
});
