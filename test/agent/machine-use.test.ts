// Processor time of others and private memory of runners, from a fake /proc and from this very machine.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMachineUses } from '../../agent/machine-use.ts';

let proc: string;

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'belay-proc-'));
});

afterEach(() => rmSync(proc, { recursive: true, force: true }));

/** Ticks of the whole machine, and of each process of the agent; the first is the agent, the others its children. */
function put(user: number, idle: number, own: readonly number[]): void {
  writeFileSync(join(proc, 'stat'), `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 1 2 3\n`);
  own.forEach((ticks, at) => {
    const pid = String(10 + at);
    mkdirSync(join(proc, pid, 'task', pid), { recursive: true });
    const children = at === 0 ? own.slice(1).map((_, child) => 11 + child) : [];
    writeFileSync(join(proc, pid, 'task', pid, 'children'), `${children.join(' ')} `);
    writeFileSync(join(proc, pid, 'stat'), `${pid} (a) b) S 1 1 1 0 -1 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 77 0`);
    writeFileSync(join(proc, pid, 'status'), `VmRSS:\t999 kB\nRssAnon:\t  ${100 * (at + 1)} kB\n`);
  });
}

describe('openMachineUses', () => {
  it('tells the processor time of others from that of the agent and its children', () => {
    const uses = openMachineUses(proc, 10);
    put(1000, 1000, [100, 200]);
    expect(uses.read([]).othersCpuPct).toBeNull();
    // 200 ticks in all, 150 busy, 30 + 20 of them ours.
    put(1150, 1050, [130, 220]);
    expect(uses.read([]).othersCpuPct).toBeCloseTo(50);
    // A child that is new has used all its time since.
    put(1250, 1150, [130, 220, 40]);
    expect(uses.read([]).othersCpuPct).toBeCloseTo(30);
  });

  it('adds up the private memory of all runners of a release, and leaves out who is gone', () => {
    put(1, 1, [1, 1, 1]);
    const runners = [
      { digest: 'a', pid: 10 },
      { digest: 'a', pid: 11 },
      { digest: 'b', pid: 99 },
    ];
    expect([...openMachineUses(proc, 10).read(runners).memoryBytes]).toEqual([['a', 300 * 1024]]);
  });

  it('tells which share of its time a runner stood in line for a processor, of several the one that waits most', async () => {
    put(1, 1, [1, 1, 1]);
    const uses = openMachineUses(proc, 10);
    const runners = [
      { digest: 'a', pid: 10 },
      { digest: 'a', pid: 11 },
      { digest: 'b', pid: 12 },
      { digest: 'c', pid: 99 },
    ];
    const waited = (pid: number, ms: number) =>
      writeFileSync(join(proc, String(pid), 'schedstat'), `9 ${ms}000000 9\n`);
    for (const pid of [10, 11, 12]) waited(pid, 5);
    expect([...uses.read(runners).waitingPct]).toEqual([]);
    waited(11, 1_000_000);
    // Readings need time between them.
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 20);
    await promise;
    expect([...uses.read(runners).waitingPct]).toEqual([
      ['a', 100],
      ['b', 0],
    ]);
  });

  it('knows nothing where nothing can be read', () => {
    const uses = openMachineUses(join(proc, 'nowhere'), 10);
    uses.read([]);
    expect(uses.read([{ digest: 'a', pid: 10 }])).toEqual({
      othersCpuPct: null,
      memoryBytes: new Map(),
      waitingPct: new Map(),
    });
  });

  it('sees on the real machine that a child of ours is not a neighbour, and that its memory is its own', async () => {
    const code = 'const a = Buffer.alloc(40e6, 1); console.log(a.length); setInterval(() => {}, 1000);';
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const use = openMachineUses('/proc', process.pid).read([{ digest: 'a', pid: child.pid ?? 0 }]);
      expect(use.memoryBytes.get('a')).toBeGreaterThan(40e6);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
