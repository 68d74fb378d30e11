// The limit of a pipeline: a process that does nothing but run the model, on frames that are already decoded or, where the
// camera gives JPEGs, on pictures of which it decodes the next one on another thread meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { InputContract } from '../../shared/release/manifest.ts';
import type { Workspace } from './workspace.ts';

/** A file of frames end to end, or a camera's loop of pictures that have the input's size. */
export type BareFrames = { readonly kind: 'decoded' | 'pictures'; readonly file: string };
export type BareHello = {
  readonly kind: 'hello';
  /** A file. */
  readonly model: string;
  readonly frames: BareFrames;
  readonly input: InputContract;
  readonly threads: number;
};
export type BareOrder = { readonly kind: 'run'; readonly runMs: number };
/** Private memory that the process has gained by making the session and running it, in MB. */
export type BareReady = { readonly modelMb: number };
export type BareResult = { readonly fps: number };

export type BareLoop = BareReady & { run(runMs: number): Promise<BareResult> };

const PROCESS = fileURLToPath(new URL('./bare-loop-process.ts', import.meta.url));
/** As the agent's baseline runner: on a shared machine a nicer process is a slower one. */
const NICE = 1;

export async function openBareLoop(workspace: Workspace, hello: Omit<BareHello, 'kind'>): Promise<BareLoop> {
  const child = fork(PROCESS, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  workspace.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error('the bare loop did not start');
  setPriority(pid, NICE);
  const ask = async <T>(message: BareHello | BareOrder): Promise<T> => {
    const answer = Promise.withResolvers<T>();
    const onExit = (): void => answer.reject(new Error('the bare loop ended before it answered'));
    child.once('message', (result) => answer.resolve(result as T));
    child.once('exit', onExit);
    child.send(message);
    try {
      return await answer.promise;
    } finally {
      child.off('exit', onExit);
    }
  };
  const ready = await ask<BareReady>({ kind: 'hello', ...hello });
  return { ...ready, run: (runMs) => ask<BareResult>({ kind: 'run', runMs }) };
}
