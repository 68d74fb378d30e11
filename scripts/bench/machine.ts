// What the machine says about itself and its processes: load, children, memory. Reads /proc only.
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** A sentence for the note when others use the machine too; empty when the run had it to itself. */
export function describeLoad(): string {
  const cores = availableParallelism();
  const load = loadavg()[0] ?? 0;
  return load > cores ? `load ${load.toFixed(1)} on ${cores} cores` : '';
}

/** Says at each call what share of this machine's time its host has given to others since the last one (0 on bare metal). */
export function openTakenShare(): () => number {
  let last = readProcessorTicks();
  return () => {
    const now = readProcessorTicks();
    const [stolen, total] = [now.stolen - last.stolen, now.total - last.total];
    last = now;
    return total > 0 ? stolen / total : 0;
  };
}

/** Of all processors since boot: user, nice, system, idle, iowait, irq, softirq and steal (proc(5)). */
function readProcessorTicks(): { readonly stolen: number; readonly total: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return { stolen: ticks[7] ?? 0, total: ticks.reduce((sum, one) => sum + one, 0) };
}

/** Joins the parts of a note that say something. */
export function noteOf(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

/** Pids of the direct children of `parent` whose command line names this file. */
export function childrenRunning(parent: number, entry: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent && commandOf(pid).includes(entry));
}

/** Proportional set size in MB (10⁶ bytes): shared pages are split among those that share them. */
export function pssMb(pid: number): number {
  return rollupMb(pid, 'Pss');
}

/** Pages of memory that only this process has and that no file backs, in MB. */
export function anonymousMb(pid: number): number {
  return rollupMb(pid, 'Pss_Anon');
}

/** Resident set size in MB, shared pages in full. */
export function rssMb(pid: number): number {
  return rollupMb(pid, 'Rss');
}

/** How readily the kernel may take a process: what a runner is (300 baseline, 800 candidate, 900 shadow); null when it is gone. */
export function oomScoreOf(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
  } catch {
    return null;
  }
}

function rollupMb(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no ${field}`);
  return (Number(kibibytes) * 1024) / 1e6;
}

function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; fields are counted from behind it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // Gone since the folder was listed.
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
