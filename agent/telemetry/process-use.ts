// CPU seconds and resident memory of a runner, read from /proc/<pid>. What cannot be read is null, never 0.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessUse } from './arm-recorder.ts';
import type { ServingRole } from './outcome.ts';

/** USER_HZ, which the kernel fixes at 100 for everything it tells programs, on every architecture Belay runs on. */
const TICKS_PER_SECOND = 100;

export type ProcessReading = {
  /** Since the process began. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Ticks from boot to its start: tells a process from a later one with the same pid. */
  readonly startedAt: string;
};

export type ProcessUses = {
  /** This process runs the release in this role from now on. */
  readonly follow: (runner: { readonly digest: string; readonly role: ServingRole; readonly pid: number }) => void;
  /** CPU since the last look, memory now. */
  readonly take: (digest: string, role: ServingRole) => ProcessUse;
};

type Followed = { readonly pid: number; readonly last: ProcessReading | null };

/** Follows one process per (digest, role): the one that was named last. */
export function openProcessUses(procRoot: string): ProcessUses {
  const followed = new Map<string, Followed>();
  return {
    follow: ({ digest, role, pid }) => {
      const key = `${digest} ${role}`;
      if (followed.get(key)?.pid !== pid) followed.set(key, { pid, last: readProcess(procRoot, pid) });
    },
    take: (digest, role) => {
      const key = `${digest} ${role}`;
      const known = followed.get(key);
      if (!known) return { cpuSeconds: null, rssBytes: null };
      const now = readProcess(procRoot, known.pid);
      if (now) followed.set(key, { pid: known.pid, last: now });
      else followed.delete(key);
      return { cpuSeconds: cpuBetween(known.last, now), rssBytes: now?.rssBytes ?? null };
    },
  };
}

function cpuBetween(before: ProcessReading | null, now: ProcessReading | null): number | null {
  if (!before || !now || before.startedAt !== now.startedAt) return null;
  return Math.max(0, now.cpuSeconds - before.cpuSeconds);
}

/** Null when the process is gone or may not be read. */
export function readProcess(procRoot: string, pid: number): ProcessReading | null {
  try {
    const stat = readFileSync(join(procRoot, String(pid), 'stat'), 'latin1');
    const status = readFileSync(join(procRoot, String(pid), 'status'), 'latin1');
    return parseProcess(stat, status);
  } catch {
    // ENOENT and ESRCH: it has ended between two looks. EACCES: it is not ours. Either way nothing is known.
    return null;
  }
}

function parseProcess(stat: string, status: string): ProcessReading | null {
  // Field 2 is the name in parentheses and may hold blanks and parentheses itself: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  const rssKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (!Number.isFinite(userTicks + systemTicks + rssKb)) return null;
  return {
    cpuSeconds: (userTicks + systemTicks) / TICKS_PER_SECOND,
    rssBytes: rssKb * 1024,
    startedAt: fields[19] ?? '',
  };
}
