// CPU load between two looks, and memory, from /proc.
import { join } from 'node:path';
import { readText } from './sysfs.ts';

/** The returned function reads the load since its last call, in % of all cores; null at the first. */
export function openCpuLoad(procRoot: string): () => number | null {
  let before: Ticks | null = null;
  return () => {
    const now = readTicks(join(procRoot, 'stat'));
    const load = before && now ? loadBetween(before, now) : null;
    before = now;
    return load;
  };
}

export type Memory = { readonly usedBytes: number | null; readonly totalBytes: number | null };

/** Used = not available to programs: file caches are available. */
export function readMemory(procRoot: string): Memory {
  const text = readText(join(procRoot, 'meminfo')) ?? '';
  const totalBytes = kilobytesOf(text, 'MemTotal');
  const availableBytes = kilobytesOf(text, 'MemAvailable');
  if (totalBytes === null || availableBytes === null) return { usedBytes: null, totalBytes };
  return { usedBytes: Math.max(0, totalBytes - availableBytes), totalBytes };
}

type Ticks = { readonly idle: number; readonly all: number };

// cpu user nice system idle iowait irq softirq steal guest guest_nice: guest time is part of user time already.
function readTicks(path: string): Ticks | null {
  const line = /^cpu +([\d ]+)$/m.exec(readText(path) ?? '')?.[1];
  if (line === undefined) return null;
  const ticks = line.split(' ').map(Number).slice(0, 8);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { idle: idle + waiting, all: ticks.reduce((sum, value) => sum + value, 0) };
}

function loadBetween(before: Ticks, now: Ticks): number | null {
  const all = now.all - before.all;
  if (all <= 0) return null;
  return Math.min(100, Math.max(0, (1 - (now.idle - before.idle) / all) * 100));
}

function kilobytesOf(text: string, name: string): number | null {
  const kilobytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
