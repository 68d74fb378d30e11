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
  /** This process, too, runs the release in this role from now on. */
  readonly follow: (runner: { readonly digest: string; readonly role: ServingRole; readonly pid: number }) => void;
  /** CPU since the last look, memory now. */
  readonly take: (digest: string, role: ServingRole) => ProcessUse;
  /** How many (release, role) are followed: those that ran at the last start of a runner, and no more. */
  readonly count: () => number;
};

/** Follows every process of a (digest, role): each camera has one. A process that is gone is forgotten. */
export function openProcessUses(procRoot: string): ProcessUses {
  const followed = new Map<string, Map<number, ProcessReading>>();
  return {
    count: () => followed.size,
    follow: ({ digest, role, pid }) => {
      const key = `${digest} ${role}`;
      const processes = followed.get(key) ?? new Map<number, ProcessReading>();
      if (processes.has(pid)) return;
      // One process has one role at a time: what it used in its former one is not used in this one.
      for (const others of followed.values()) others.delete(pid);
      forgetGone(followed, procRoot);
      const reading = readProcess(procRoot, pid);
      if (reading) followed.set(key, processes.set(pid, reading));
    },
    take: (digest, role) => {
      const processes = followed.get(`${digest} ${role}`) ?? new Map<number, ProcessReading>();
      const uses = [...processes].flatMap(([pid, before]) => {
        const now = readProcess(procRoot, pid);
        if (now?.startedAt !== before.startedAt) processes.delete(pid);
        else processes.set(pid, now);
        return now?.startedAt === before.startedAt ? [useBetween(before, now)] : [];
      });
      return uses.length === 0 ? { cpuSeconds: null, rssBytes: null } : uses.reduce(addUse);
    },
  };
}

/** Processes that are gone, and releases that have none left: nobody asks for those that no frame goes to. */
function forgetGone(followed: Map<string, Map<number, ProcessReading>>, procRoot: string): void {
  for (const [key, processes] of followed) {
    for (const [pid, { startedAt }] of processes)
      if (readProcess(procRoot, pid)?.startedAt !== startedAt) processes.delete(pid);
    if (processes.size === 0) followed.delete(key);
  }
}

type KnownUse = { readonly cpuSeconds: number; readonly rssBytes: number };

function useBetween(before: ProcessReading, now: ProcessReading): KnownUse {
  return { cpuSeconds: Math.max(0, now.cpuSeconds - before.cpuSeconds), rssBytes: now.rssBytes };
}

function addUse(a: KnownUse, b: KnownUse): KnownUse {
  return { cpuSeconds: a.cpuSeconds + b.cpuSeconds, rssBytes: a.rssBytes + b.rssBytes };
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
