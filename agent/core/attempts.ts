// Attempts: a candidate's start is counted on disk before it is loaded, so that a release that takes the whole box down
// is still counted. Strikes: a native crash or a hang is enough, an error, NaN or out-of-memory counts half.
import { limitsOf } from './limit-breach.ts';
import { quarantine } from './quarantine.ts';
import type { Attempt, CoreState, QuarantineKind, ReleaseRef } from './state.ts';
import { type Turn, turn } from './turn.ts';

/** Starts that never came to a clean end: the third says crash loop. */
export const STARTS_MAX = 3;
/** A release that ran this long without a fault starts anew. */
export const HEALTHY_AFTER_MS = 5 * 60_000;
const ATTEMPTS_KEPT_MAX = 6;

/** Strikes that set a release aside, by what happened. */
const STRIKES_NEEDED: Readonly<Record<QuarantineKind, number>> = {
  crash: 1,
  hang: 1,
  breach: 1,
  'proof-failed': 1,
  'crash-loop': 1,
  fault: 2,
  'non-finite': 2,
  oom: 2,
};

export function attemptOf(state: CoreState, digest: string): Attempt {
  return state.durable.attempts.find((attempt) => attempt.digest === digest) ?? { digest, starts: 0, strikes: 0 };
}

/** To be persisted before the load. */
export function beginAttempt(state: CoreState, digest: string): CoreState {
  const attempt = attemptOf(state, digest);
  return withAttempt(state, { ...attempt, starts: attempt.starts + 1 });
}

/** The runner ended because we said so: that start was not its fault. */
export function endAttempt(state: CoreState, digest: string): CoreState {
  const attempt = attemptOf(state, digest);
  if (attempt.starts === 0) return state;
  return withAttempt(state, { ...attempt, starts: attempt.starts - 1 });
}

export function clearAttempts(state: CoreState, digest: string): CoreState {
  if (!state.durable.attempts.some((attempt) => attempt.digest === digest)) return state;
  const attempts = state.durable.attempts.filter((attempt) => attempt.digest !== digest);
  return { ...state, durable: { ...state.durable, attempts } };
}

/** A rollout may ask for less patience with want of memory. */
function strikesNeeded(state: CoreState, kind: QuarantineKind): number {
  return kind === 'oom' ? limitsOf(state).oomStrikes : STRIKES_NEEDED[kind];
}

/** Counts a failure of a candidate; enough of them set it aside. */
export function strike(
  state: CoreState,
  ref: ReleaseRef,
  why: { kind: QuarantineKind; reason: string; breach?: string },
  nowMs: number,
): Turn {
  const attempt = attemptOf(state, ref.digest);
  const strikes = attempt.strikes + 1;
  if (strikes >= strikesNeeded(state, why.kind)) return quarantine(state, ref, why, nowMs);
  return turn(withAttempt(state, { ...attempt, strikes, starts: Math.max(0, attempt.starts - 1) }));
}

function withAttempt(state: CoreState, attempt: Attempt): CoreState {
  const others = state.durable.attempts.filter((other) => other.digest !== attempt.digest);
  const isEmpty = attempt.starts === 0 && attempt.strikes === 0;
  const attempts = isEmpty ? others : [...others, attempt].slice(-ATTEMPTS_KEPT_MAX);
  return { ...state, durable: { ...state.durable, attempts } };
}
