// A runner without a process: holds tokens like the real one and answers when the test says so. Its behaviour is held
// to the real one's by test/contract/runner-protocol-door.test.ts.
import { causeOfDeath } from '../../agent/inference/cause-of-death.ts';
import type { FrameToken, Runner, RunnerOptions } from '../../agent/inference/inference.ts';
import { FRAMES_OUTSTANDING_MAX } from '../../agent/inference/runner-wire.ts';
import type { Answer } from '../../shared/release/answers.ts';

export type FakeRunner<T extends FrameToken> = Runner<T> & {
  readonly isStopped: boolean;
  /** Answers the oldest token. Nothing happens when it is stopped, gone, or holds none. */
  answer(said?: {
    readonly answer?: Answer;
    readonly borderline?: number;
    readonly finite?: boolean;
    readonly runMs?: number;
  }): void;
  /** Faults the oldest token. */
  fault(code: string, detail?: string): void;
  /** Dies by itself, as in a native crash. */
  crash(signal?: string): void;
};

const NOTHING_FOUND: Answer = { task: 'detection', detections: [] };

/** The part of a runner's options that a fake needs. */
export type FakeRunnerOptions<T extends FrameToken> = Pick<RunnerOptions<T>, 'onResult' | 'onFault' | 'onExit'> & {
  readonly pid?: number;
};

export function openFakeRunner<T extends FrameToken>(options: FakeRunnerOptions<T>): FakeRunner<T> {
  const held: T[] = [];
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  let isStopped = false;
  let isDraining = false;

  const end = (exit: { code: number | null; signal: string | null }): void => {
    if (isGone) return;
    isGone = true;
    queueMicrotask(() => {
      options.onExit({ ...exit, ...causeOfDeath(exit, [], false), isConfirmed: true, outstanding: [...held] });
      gone.resolve();
    });
  };
  const take = (): T | undefined => (isGone || isStopped ? undefined : held.shift());
  const settle = (): void => {
    if (isDraining && held.length === 0) end({ code: 0, signal: null });
  };

  return {
    pid: options.pid ?? 1,
    ready: {
      type: 'ready',
      protocol: 1,
      runtime: 'fake 1',
      provider: { asked: 'cpu', used: 'cpu' },
      modelSha256: '0'.repeat(64),
      loadMs: 1,
      warmMs: 1,
      rssBytes: 50_000_000,
    },
    get isStopped() {
      return isStopped;
    },
    submit(token) {
      if (isGone || held.length >= FRAMES_OUTSTANDING_MAX || held.some((other) => other.seq === token.seq))
        return false;
      held.push(token);
      return true;
    },
    outstanding: () => [...held],
    stop() {
      isStopped = true;
    },
    kill() {
      end({ code: null, signal: 'SIGKILL' });
      return gone.promise;
    },
    drain(_limitMs) {
      isDraining = true;
      settle();
      return gone.promise;
    },
    answer({ answer = NOTHING_FOUND, borderline = 0, finite = true, runMs = 5 } = {}) {
      const token = take();
      if (!token) return;
      const times = { readMs: 0.1, runMs, postMs: 0.1 };
      options.onResult({ token, ...times, finite, answer: finite ? answer : null, borderline });
      settle();
    },
    fault(code, detail = 'made by a test') {
      const token = take();
      if (!token) return;
      options.onFault({ token, code, detail });
      settle();
    },
    crash(signal = 'SIGSEGV') {
      end({ code: null, signal });
    },
  };
}
