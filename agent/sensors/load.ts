// CPU load between two looks, the pressure for a processor, and memory, from /proc.
import { join } from 'node:path';
import type { ReadText } from './sysfs.ts';

/** The returned function reads the load since its last call, in % of all cores; null at the first. */
export function openCpuLoad(procRoot: string, read: ReadText): () => number | null {
  let before: Ticks | null = null;
  return () => {
    const now = ticksOf(read(join(procRoot, 'stat')));
    const load = before && now ? loadBetween(before, now) : null;
    before = now;
    return load;
  };
}

export type Memory = { readonly usedBytes: number | null; readonly totalBytes: number | null };

/** Used = not available to programs: file caches are available. */
export function readMemory(procRoot: string, read: ReadText): Memory {
  const text = read(join(procRoot, 'meminfo')) ?? '';
  const totalBytes = kilobytesOf(text, 'MemTotal');
  const availableBytes = kilobytesOf(text, 'MemAvailable');
  if (totalBytes === null || availableBytes === null) return { usedBytes: null, totalBytes };
  return { usedBytes: Math.max(0, totalBytes - availableBytes), totalBytes };
}

/** Share of the last 10 s in which something waited for a processor; null where the kernel does not count it. */
export function readCpuPressure(procRoot: string, read: ReadText): number | null {
  const share = /^some avg10=(\d{1,3}(?:\.\d+)?) /m.exec(read(join(procRoot, 'pressure/cpu')) ?? '')?.[1];
  return share === undefined ? null : Math.min(100, Number(share));
}

type Ticks = { readonly idle: number; readonly all: number };

// cpu user nice system idle iowait irq softirq steal guest guest_nice: guest time is part of user time already.
function ticksOf(text: string | null): Ticks | null {
  const line = /^cpu +([\d ]+)$/m.exec(text ?? '')?.[1];
  if (line === undefined) return null;
  const ticks = line.split(' ').map(Number).slice(0, 8);
  if (!ticks.every(Number.isSafeInteger)) return null;
  const [, , , idle = 0, waiting = 0] = ticks;
  return { idle: idle + waiting, all: ticks.reduce((sum, value) => sum + value, 0) };
}

function loadBetween(before: Ticks, now: Ticks): number | null {
  const all = now.all - before.all;
  if (all <= 0) return null;
  return Math.min(100, Math.max(0, (1 - (now.idle - before.idle) / all) * 100));
}

function kilobytesOf(text: string, name: string): number | null {
  const kilobytes = new RegExp(`^${name}: +(\\d{1,12}) kB$`, 'm').exec(text)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
