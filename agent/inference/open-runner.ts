// Opens one runner process. Used through the door of the room, inference.ts, by everybody outside of it.
import { type FrameToken, RunnerChild, type RunnerOptions } from './runner.ts';
import type { RunnerReady } from './runner-protocol.ts';

export type Runner<T extends FrameToken = FrameToken> = {
  readonly pid: number;
  readonly ready: RunnerReady;
  /** False when it is gone or already holds two frames: then the token was not taken. */
  submit(token: T): boolean;
  /** Tokens not yet answered, oldest first. */
  outstanding(): readonly T[];
  /** SIGSTOP: no answer comes any more; kill follows. */
  stop(): void;
  /** SIGKILL. Resolves when it is gone, or after a second; nobody needs to wait for it. */
  kill(): Promise<void>;
  /** Lets it answer what it holds and end; kills it when that takes longer. */
  drain(limitMs: number): Promise<void>;
};

/** Resolves when the release is loaded and warm, unless `signal` aborts before. Rejects with RunnerError; nothing is left running then. */
export async function openRunner<T extends FrameToken>(options: RunnerOptions<T>): Promise<Runner<T>> {
  const child = new RunnerChild(options);
  const ready = await child.ready;
  return {
    pid: child.pid,
    ready,
    submit: (token) => child.submit(token),
    outstanding: () => child.outstanding(),
    stop: () => child.stop(),
    kill: () => child.kill(),
    drain: (limitMs) => child.drain(limitMs),
  };
}
