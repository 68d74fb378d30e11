// Who uses the machine, from /proc: processor time of programs that are not this agent's, the private memory of its runners,
// and how much of their time those stand in line for a processor. Spawns nothing, and what cannot be read is not known, never 0.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { MachineUse } from './core/memory-state.ts';
import { processorWaitMs } from './inference/inference.ts';

export type RunnerProcess = { readonly digest: string; readonly pid: number };

/** Processor time is that since the last call; not known at the first. */
export type MachineUses = { readonly read: (runners: readonly RunnerProcess[]) => MachineUse };

type Ticks = { readonly busy: number; readonly all: number; readonly own: ReadonlyMap<number, number> };

/** Deeper families than agent, source and its ffmpeg do not exist; a loop in a foreign /proc ends here. */
const FAMILY_MAX = 256;

export function openMachineUses(procRoot: string, pid: number): MachineUses {
  let before: Ticks | null = null;
  const waiting = openWaiting(procRoot);
  return {
    read: (runners) => {
      const now = readTicks(procRoot, pid);
      const othersCpuPct = before && now ? othersBetween(before, now) : null;
      before = now;
      return { othersCpuPct, memoryBytes: memoryOf(procRoot, runners), waitingPct: waiting(runners) };
    },
  };
}

function readTicks(procRoot: string, pid: number): Ticks | null {
  const line = /^cpu +([\d ]+)$/m.exec(read(join(procRoot, 'stat')) ?? '')?.[1];
  const family = familyOf(procRoot, pid);
  if (line === undefined || family === null) return null;
  // user nice system idle iowait irq softirq steal; guest time is part of user time already.
  const ticks = line.split(' ').map(Number).slice(0, 8);
  const [, , , idle = 0, waiting = 0] = ticks;
  const all = ticks.reduce((sum, value) => sum + value, 0);
  const own = family.flatMap((one) => {
    const used = ticksOf(procRoot, one);
    return used === null ? [] : [[one, used] as const];
  });
  return { busy: all - idle - waiting, all, own: new Map(own) };
}

/** This process and all that descend from it; null where the kernel does not list children. */
function familyOf(procRoot: string, pid: number): readonly number[] | null {
  const family = [pid];
  for (let at = 0; at < family.length && family.length < FAMILY_MAX; at += 1) {
    const one = String(family[at]);
    const children = read(join(procRoot, one, 'task', one, 'children'));
    if (children === null && at === 0) return null;
    // One that has ended between two reads has no children any more.
    family.push(...(children ?? '').split(' ').filter(Boolean).map(Number));
  }
  return family;
}

function ticksOf(procRoot: string, pid: number): number | null {
  const stat = read(join(procRoot, String(pid), 'stat'));
  if (stat === null) return null;
  // Field 2 is the name in parentheses and may hold blanks and parentheses itself: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const used = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(used) ? used : null;
}

function othersBetween(before: Ticks, now: Ticks): number | null {
  const all = now.all - before.all;
  if (all <= 0) return null;
  let own = 0;
  for (const [pid, ticks] of now.own) own += Math.max(0, ticks - (before.own.get(pid) ?? 0));
  return Math.min(100, Math.max(0, ((now.busy - before.busy - own) / all) * 100));
}

/** Of a release with several runners the one that waits most. Null until it has been read twice. */
function openWaiting(procRoot: string): (runners: readonly RunnerProcess[]) => ReadonlyMap<string, number> {
  let before = new Map<number, { readonly atMs: number; readonly waitedMs: number }>();
  return (runners) => {
    const now = new Map<number, { readonly atMs: number; readonly waitedMs: number }>();
    const shares = new Map<string, number>();
    for (const { digest, pid } of runners) {
      const waitedMs = processorWaitMs(pid, procRoot);
      if (waitedMs === null) continue;
      now.set(pid, { atMs: performance.now(), waitedMs });
      const [from, to] = [before.get(pid), now.get(pid)];
      if (from === undefined || to === undefined || to.atMs <= from.atMs) continue;
      const share = (100 * (to.waitedMs - from.waitedMs)) / (to.atMs - from.atMs);
      shares.set(digest, Math.max(shares.get(digest) ?? 0, Math.min(100, Math.max(0, share))));
    }
    before = now;
    return shares;
  };
}

/** Anonymous pages only: files that are mapped, and rings in shared memory, are not the runner's own. */
function memoryOf(procRoot: string, runners: readonly RunnerProcess[]): ReadonlyMap<string, number> {
  const memory = new Map<string, number>();
  for (const { digest, pid } of runners) {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(read(join(procRoot, String(pid), 'status')) ?? '')?.[1];
    if (kilobytes !== undefined) memory.set(digest, (memory.get(digest) ?? 0) + Number(kilobytes) * 1024);
  }
  return memory;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // ENOENT and ESRCH: it has ended; EACCES: it is not ours. Either way nothing is known.
    return null;
  }
}
