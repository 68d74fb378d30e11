// A runner in virtual time: takes tokens like the real one, two at most, and answers each after its time, or does what a
// broken release does. Behaves as test/fakes/fake-runner.ts, which is held to the real one by a contract test.

import type { After } from '../../../agent/after.ts';
import type { Flight } from '../../../agent/frame.ts';
import type { Runner, RunnerAnswer, RunnerExit, RunnerFaultReport } from '../../../agent/inference/inference.ts';
import { FRAMES_OUTSTANDING_MAX } from '../../../agent/inference/runner-wire.ts';
import type { Random } from '../../../control-plane/core/random.ts';
import type { Answer } from '../../../shared/release/answers.ts';
import type { Flaw, SimRelease } from '../releases.ts';

export type SimRunnerParts = {
  readonly release: SimRelease;
  /** What is wrong with the release on this very device. */
  readonly flaw: Flaw;
  readonly random: Random;
  readonly after: After;
  readonly onResult: (result: RunnerAnswer<Flight>) => void;
  readonly onFault: (fault: RunnerFaultReport<Flight>) => void;
  readonly onExit: (exit: RunnerExit<Flight>) => void;
};

export type SimRunner = Runner<Flight> & {
  /** Dies by itself. */
  die(signal: 'SIGSEGV' | 'SIGKILL'): void;
};

const NOTHING_FOUND: Answer = { task: 'detection', detections: [] };
/** Kernel and exit handler; a process stuck in a driver takes the whole second that the supervisor waits. */
const GONE_AFTER_MS = 3;
const STUCK_MS = 1000;
const STUCK_SHARE = 0.05;
/** The machine has other things to do now and then. */
const BUSY_SHARE = 0.004;

export function openSimRunner(parts: SimRunnerParts): SimRunner {
  const { release, random, after } = parts;
  const held: Flight[] = [];
  const gone = Promise.withResolvers<void>();
  let isGone = false;
  let isStopped = false;
  let isHung = false;
  let isDraining = false;
  let isBusy = false;

  const end = (exit: { code: number | null; signal: string | null }, afterMs: number) => {
    if (isGone) return;
    isGone = true;
    after(afterMs, () => {
      const how = exit.signal === 'SIGKILL' ? 'oom' : 'crash';
      const reason = `its runner ended: ${exit.signal ?? exit.code}`;
      parts.onExit({ ...exit, how, reason, isConfirmed: true, outstanding: [...held] });
      gone.resolve();
    });
  };
  const finish = (token: Flight) => {
    isBusy = false;
    if (isGone || isStopped || isHung || held[0] !== token) return;
    held.shift();
    say(parts, token);
    if (isDraining && held.length === 0) end({ code: 0, signal: null }, GONE_AFTER_MS);
    else work();
  };
  const work = () => {
    const [token] = held;
    if (token === undefined || isBusy || isGone || isStopped || isHung) return;
    if (parts.flaw === 'crashes' && random.chance(0.06)) return end({ code: null, signal: 'SIGSEGV' }, 5);
    if (parts.flaw === 'runs-out-of-memory' && random.chance(0.06)) return end({ code: null, signal: 'SIGKILL' }, 5);
    isHung = parts.flaw === 'hangs' && random.chance(0.04);
    isBusy = true;
    const isLate = random.chance(parts.flaw === 'slow' ? 0.1 : BUSY_SHARE);
    after(release.serviceMs * random.between(0.8, 1.4) * (isLate ? random.between(5, 40) : 1), () => finish(token));
  };
  return {
    pid: 1,
    ready: {
      type: 'ready',
      protocol: 1,
      runtime: 'simulated',
      provider: { asked: 'cpu', used: 'cpu' },
      modelSha256: release.digest,
      loadMs: 1,
      warmMs: 1,
      rssBytes: 50_000_000,
    },
    submit: (token) => {
      if (isGone || held.length >= FRAMES_OUTSTANDING_MAX) return false;
      held.push(token);
      work();
      return true;
    },
    outstanding: () => [...held],
    stop: () => {
      isStopped = true;
    },
    kill: () => {
      end({ code: null, signal: 'SIGKILL' }, random.chance(STUCK_SHARE) ? STUCK_MS : GONE_AFTER_MS);
      return gone.promise;
    },
    drain: (limitMs) => {
      isDraining = true;
      if (held.length === 0) end({ code: 0, signal: null }, GONE_AFTER_MS);
      else after(limitMs, () => end({ code: null, signal: 'SIGKILL' }, GONE_AFTER_MS));
      return gone.promise;
    },
    die: (signal) => end({ code: null, signal }, 0),
  };
}

function say({ flaw, random, onResult, onFault }: SimRunnerParts, token: Flight): void {
  if (flaw === 'faults' && random.chance(0.5)) {
    onFault({ token, code: 'run-failed', detail: 'simulated' });
    return;
  }
  const finite = !(flaw === 'not-finite' && random.chance(0.5));
  const times = { readMs: 0.1, runMs: 5, postMs: 0.1 };
  onResult({ token, ...times, finite, answer: finite ? NOTHING_FOUND : null, borderline: 0 });
}
