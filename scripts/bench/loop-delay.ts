// The event loop delay of a process that was started with the watch of loop-delay-process.ts, asked for from outside.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { until } from '../fleet/fleet.ts';

export const DELAY_PROCESS = 'scripts/bench/loop-delay-process.ts';
const WATCH = new URL('./loop-delay-process.ts', import.meta.url).href;
const ANSWER_DEADLINE_MS = 10_000;

const delaySchema = z.looseObject({ writes: z.number(), p50: z.number(), p99: z.number(), max: z.number() });

/** Milliseconds by which the event loop came late. */
export type LoopDelay = { readonly p50: number; readonly p99: number; readonly max: number };

/** Environment that makes the Node process with this entry file watch itself; its children do not. */
export function watchedEnvironment(file: string, entry: string): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import ${WATCH}`,
    BELAY_BENCH_DELAY_FILE: file,
    BELAY_BENCH_DELAY_ENTRY: entry,
  };
}

/** Environment of an idle process that watches itself: run DELAY_PROCESS with it. */
export function idleEnvironment(file: string): Readonly<Record<string, string>> {
  return { BELAY_BENCH_DELAY_FILE: file, BELAY_BENCH_DELAY_ENTRY: fileURLToPath(WATCH) };
}

/** What the process has seen since the last time it was asked. Throws when it does not answer. */
export async function takeLoopDelay(pid: number, file: string): Promise<LoopDelay> {
  const isThere = await until(() => read(file) !== null, ANSWER_DEADLINE_MS, 20);
  const before = read(file)?.writes ?? 0;
  if (isThere) process.kill(pid, 'SIGUSR2');
  const isAnswered = await until(() => (read(file)?.writes ?? 0) > before, ANSWER_DEADLINE_MS, 5);
  const delay = read(file);
  if (!isAnswered || delay === null) throw new Error(`process ${pid} does not say how late its event loop is`);
  return delay;
}

function read(file: string): z.infer<typeof delaySchema> | null {
  try {
    return delaySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Not written yet: the process is still starting.
    return null;
  }
}
