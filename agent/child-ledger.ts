// The processes of this agent, on disk: an agent that is killed leaves some behind when they are stopped or hang, and the
// next one ends them. A process is named by its pid and its start time within one boot, because pids are used again.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError } from '../shared/basics/errors.ts';
import { parseJson } from '../shared/basics/parsing.ts';
import type { RoomLog } from './frames/child-log.ts';

/** A process younger than this when its agent is killed ends by itself: nobody has stopped it yet. */
const LOOK_EVERY_MS = 1000;

const processSchema = z.object({ pid: z.number().int().positive(), startedAt: z.string() });
const fileSchema = z.object({ bootId: z.string(), agent: processSchema, children: z.array(processSchema).max(1000) });

type OneProcess = z.infer<typeof processSchema>;

export type ChildLedger = { readonly close: () => void };

/** Ends what an earlier agent of this data folder has left behind, then keeps the list of our own. */
export function openChildLedger(dataDir: string, log: RoomLog): ChildLedger {
  const path = join(dataDir, 'processes.json');
  sweep(path, log);
  let kept = '';
  let isTold = false;
  const look = (): void => {
    try {
      const text = JSON.stringify(ledgerNow());
      if (text === kept) return;
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
      kept = text;
    } catch (error) {
      if (!isTold) log.warn({ error: describeError(error) }, 'the list of processes could not be kept');
      isTold = true;
    }
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    close: () => {
      clearInterval(timer);
      try {
        rmSync(path, { force: true });
      } catch (error) {
        // On a read-only disk it stays: the next agent finds nobody of it alive.
        log.info({ error: describeError(error) }, 'the list of processes could not be removed');
      }
    },
  };
}

function sweep(path: string, log: RoomLog): void {
  const parsed = parseJson(fileSchema, readIfThere(path));
  if (!parsed.ok || parsed.value.bootId !== bootId()) return;
  const { agent, children } = parsed.value;
  if (isRunning(agent)) {
    log.warn({ pid: agent.pid }, 'another agent uses this data folder');
    return;
  }
  for (const child of children.filter((one) => isRunning(one))) {
    try {
      process.kill(child.pid, 'SIGKILL');
      log.warn({ pid: child.pid }, 'ended a process that an earlier agent has left behind');
    } catch (error) {
      log.warn({ pid: child.pid, error: describeError(error) }, 'a process of an earlier agent could not be ended');
    }
  }
}

function ledgerNow(): z.infer<typeof fileSchema> {
  const named = (pid: number): OneProcess[] => {
    const startedAt = startTimeOf(pid);
    return startedAt === null ? [] : [{ pid, startedAt }];
  };
  const [agent] = named(process.pid);
  if (agent === undefined) throw new Error(`/proc/${process.pid}/stat cannot be read`);
  return { bootId: bootId(), agent, children: childrenOf(process.pid).flatMap(named) };
}

/** Node starts every child from its main thread. */
function childrenOf(pid: number): readonly number[] {
  const listed = readIfThere(`/proc/${pid}/task/${pid}/children`);
  if (listed !== '') return listed.trim().split(' ').filter(Boolean).map(Number);
  // No child yet, or a kernel built without this list.
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => statOf(other)[1] === String(pid));
}

function isRunning({ pid, startedAt }: OneProcess): boolean {
  return startTimeOf(pid) === startedAt;
}

function startTimeOf(pid: number): string | null {
  return statOf(pid)[19] ?? null;
}

/** Fields of the stat line from the third on: state, parent, …; the start time is the 20th. Empty when there is no such process. */
function statOf(pid: number): readonly string[] {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces; fields are counted from behind it.
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Start times are counted from the boot: after another one they name other processes. */
function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id').trim();
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
