// How long a process stood in line for a processor. A model that hangs computes or sleeps; one that the machine starves is
// ready and gets no turn. Only the kernel can tell them apart, and what it does not tell is not known, never 0.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Waited for this share of its time: it was starved, whatever it was busy with. */
const STARVED_SHARE = 0.5;

/** Milliseconds since its start, of its main thread: the one that runs the model. Null: not known. */
export function processorWaitMs(pid: number, procRoot = '/proc'): number | null {
  // sched(5): time on a processor (ns), time ready and waiting for one (ns), turns; all 0 in a kernel without statistics.
  const [, ran, waited, turns] = /^(\d+) (\d+) (\d+)\s*$/.exec(read(join(procRoot, String(pid), 'schedstat'))) ?? [];
  if (turns === undefined || Number(turns) === 0) return null;
  return Number(ran) + Number(waited) === 0 ? null : Number(waited) / 1e6;
}

/** Null: it was not starved in this time, or nobody knows. */
export type Starvation = { readonly waitedMs: number; readonly ofMs: number };

export function starvationIn(ofMs: number, fromMs: number | null, toMs: number | null): Starvation | null {
  if (fromMs === null || toMs === null || ofMs <= 0) return null;
  const waitedMs = toMs - fromMs;
  return waitedMs >= STARVED_SHARE * ofMs ? { waitedMs, ofMs } : null;
}

/** So many times its time to load, a process that stands in line is waited for: killed, it would begin again from nothing. */
const PATIENCE = 4;
const LOOK_MS_MIN = 50;

/** `waiting`: look again after so long. */
export type Lateness =
  | { readonly kind: 'late'; readonly code: 'load-timeout' | 'starved'; readonly detail: string }
  | { readonly kind: 'waiting'; readonly moreMs: number };

/**
 * Whether a process that is not ready `ageMs` after its start is late. Loading niced on a busy machine takes any time, and that is
 * not the release's fault: time in which it stood in line for a processor does not count.
 */
export function latenessOf(pid: number, ageMs: number, coldMs: number, procRoot = '/proc'): Lateness {
  const waitedMs = processorWaitMs(pid, procRoot) ?? 0;
  const leftMs = coldMs - (ageMs - waitedMs);
  if (leftMs < 1) return { kind: 'late', code: 'load-timeout', detail: `not ready after ${coldMs} ms` };
  if (ageMs < PATIENCE * coldMs) return { kind: 'waiting', moreMs: Math.max(LOOK_MS_MIN, leftMs) };
  const why = describeStarvation({ waitedMs, ofMs: ageMs });
  return { kind: 'late', code: 'starved', detail: `not ready after ${Math.round(ageMs)} ms: ${why}` };
}

export function describeStarvation({ waitedMs, ofMs }: Starvation): string {
  return `its process stood in line for a processor for ${seconds(waitedMs)} of ${seconds(ofMs)}: the machine is too busy`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended, or this kernel keeps no such file.
    return '';
  }
}
