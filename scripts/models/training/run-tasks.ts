// Carries out training tasks, one child process each, as many at a time as allowed. The first failure ends them all.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readyTasks, type Task } from './task-graph.ts';
import type { Progress } from './train-release.ts';

const RUN_ENTRY = fileURLToPath(new URL('./run.ts', import.meta.url));

export type TaskOptions = {
  readonly workers: number;
  /** Tasks that earlier runs have finished. */
  readonly done: ReadonlySet<string>;
  readonly onProgress: (progress: Progress) => void;
};

/** Resolves when every task has ended well. Throws the first failure, after ending the children still at work. */
export async function runTasks(tasks: readonly Task[], options: TaskOptions): Promise<void> {
  const done = new Set(options.done);
  const started = new Set<string>();
  const running = new Map<ChildProcess, Promise<void>>();
  try {
    while (!tasks.every((task) => done.has(task.id))) {
      for (const task of readyTasks(tasks, done, started).slice(0, options.workers - running.size)) {
        started.add(task.id);
        const child = spawn(process.execPath, [RUN_ENTRY, ...task.args], { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = watch(child, task, options.onProgress).then(() => {
          done.add(task.id);
          running.delete(child);
        });
        running.set(child, ended);
      }
      if (running.size === 0)
        throw new Error('no task can start: one of them waits for a run that is neither done nor asked for');
      await Promise.race(running.values());
    }
  } finally {
    for (const child of running.keys()) child.kill('SIGTERM');
  }
}

function watch(child: ChildProcess, task: Task, onProgress: (progress: Progress) => void): Promise<void> {
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => onProgress(JSON.parse(line) as Progress));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${task.id} ended with exit code ${code}`)),
    );
  });
}
