// Time in line for a processor: from a fake /proc, and of real processes that compute, sleep, or get no turn.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { latenessOf, processorWaitMs, starvationIn } from '../../../agent/inference/processor-wait.ts';

const TASKSET = '/usr/bin/taskset';
const SPIN = 'for (;;) {}';
const SLEEP = 'setInterval(() => {}, 60_000)';
let proc: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'belay-wait-'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(proc, { recursive: true, force: true });
});

function put(pid: number, text: string): void {
  mkdirSync(join(proc, String(pid)), { recursive: true });
  writeFileSync(join(proc, String(pid), 'schedstat'), text);
}

/** On the first processor only, so that whoever shares it competes. */
function start(code: string, nice: number): number {
  const child = spawn('nice', ['-n', String(nice), TASKSET, '-c', '0', process.execPath, '-e', code], {
    stdio: 'ignore',
  });
  children.push(child);
  return child.pid ?? 0;
}

/** Waits until the process has been watched for so long, and tells whether it was starved meanwhile. */
async function watch(pid: number, ms: number) {
  const [fromMs, startedAtMs] = [processorWaitMs(pid), performance.now()];
  await delay(ms);
  return starvationIn(performance.now() - startedAtMs, fromMs, processorWaitMs(pid));
}

async function until(claim: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!claim()) {
    if (performance.now() > endMs) throw new Error('it has not come true within 20 s');
    await delay(20);
  }
}

describe('processorWaitMs', () => {
  it('reads what the kernel counts, and knows nothing where it counts nothing', () => {
    put(7, '1200000000 34500000000 9\n');
    expect(processorWaitMs(7, proc)).toBe(34_500);
    put(8, '0 0 0\n');
    expect(processorWaitMs(8, proc)).toBeNull();
    put(9, 'rubbish');
    expect(processorWaitMs(9, proc)).toBeNull();
    expect(processorWaitMs(10, proc)).toBeNull();
  });
});

describe('starvationIn', () => {
  it('needs half of the time, and two readings', () => {
    expect(starvationIn(20_000, 1000, 10_900)).toBeNull();
    expect(starvationIn(20_000, 1000, 11_000)).toEqual({ waitedMs: 10_000, ofMs: 20_000 });
    expect(starvationIn(20_000, null, 11_000)).toBeNull();
    expect(starvationIn(20_000, 1000, null)).toBeNull();
  });
});

describe('latenessOf', () => {
  it('counts the time that a load had a processor, and blames the release when that is over', () => {
    put(7, '58000000000 2000000000 9\n');
    expect(latenessOf(7, 60_000, 60_000, proc)).toEqual({ kind: 'waiting', moreMs: 2000 });
    const late = { kind: 'late', code: 'load-timeout', detail: 'not ready after 60000 ms' };
    expect(latenessOf(7, 62_000, 60_000, proc)).toEqual(late);
    expect(latenessOf(8, 60_000, 60_000, proc)).toEqual(late);
    put(7, '59990000000 10000000 9\n');
    expect(latenessOf(7, 60_000, 60_000, proc)).toEqual({ kind: 'waiting', moreMs: 50 });
  });

  it('blames the machine for one that still has not had its time after four times as long', () => {
    put(7, '5000000000 235000000000 9\n');
    expect(latenessOf(7, 239_000, 60_000, proc)).toMatchObject({ kind: 'waiting' });
    expect(latenessOf(7, 240_000, 60_000, proc)).toEqual({
      kind: 'late',
      code: 'starved',
      detail:
        'not ready after 240000 ms: its process stood in line for a processor for 235.0 s of 240.0 s: the machine is too busy',
    });
  });
});

describe.runIf(existsSync(TASKSET))('a real process', () => {
  it('that computes at the lowest priority beside others is starved, one that hangs asleep beside them is not', async () => {
    const starved = start(SPIN, 19);
    const asleep = start(SLEEP, 0);
    await until(() => processorWaitMs(starved) !== null && processorWaitMs(asleep) !== null);
    for (let other = 0; other < 3; other += 1) start(SPIN, 0);
    // Until the others have begun as well, it is not.
    await until(() => children.every(({ pid = 0 }) => processorWaitMs(pid) !== null));
    await delay(1000);
    const [one, other] = await Promise.all([watch(starved, 1500), watch(asleep, 1500)]);
    expect(one?.waitedMs).toBeGreaterThan(750);
    expect(other).toBeNull();
  }, 30_000);
});
