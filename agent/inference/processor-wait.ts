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

/** Why a process is not ready after so long. Loading niced on a busy machine takes any time: that is not the release's fault. */
export function latenessOf(pid: number, ageMs: number, procRoot = '/proc'): Lateness {
  const detail = `not ready after ${ageMs} ms`;
  const starvation = starvationIn(ageMs, 0, processorWaitMs(pid, procRoot));
  if (starvation === null) return { code: 'load-timeout', detail };
  return { code: 'starved', detail: `${detail}: ${describeStarvation(starvation)}` };
}

type Lateness = { readonly code: 'load-timeout' | 'starved'; readonly detail: string };

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
