// What happens when a release fails: on trial it is struck and loses its place, as a baseline it is loaded again and,
// when that does not help, given up for the next of the chain.
import { strike } from './attempts.ts';
import type { Breach } from './limit-breach.ts';
import { isCatchingUp } from './limit-gap.ts';
import { isStarved, judgeStarved } from './limit-machine.ts';
import { causeOf, suspend } from './limit-suspension.ts';
import { foldFault, foldMiss, forgiveTrack } from './limit-tracks.ts';
import { judgeFaults } from './limits.ts';
import { baselineChain } from './serving.ts';
import {
  type BlockedKind,
  type CoreState,
  type Hindrance,
  type Holding,
  holdingOf,
  type QuarantineKind,
  type ReleaseRef,
  wallAt,
  withHolding,
} from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

/** Ends of a baseline's runner within this time that give it up. */
const BASELINE_DEATHS_MAX = 3;
const BASELINE_DEATHS_WITHIN_MS = 60_000;
/** Failed downloads wait this long, doubled each time up to the maximum. */
const RETRY_AFTER_MS = 5_000;
const RETRY_AFTER_MS_MAX = 10 * 60_000;

/** On trial: named by the desired document and not committed. Everything else here is a baseline. */
export function isOnTrial(state: CoreState, digest: string): boolean {
  if (digest === state.durable.committed.digest) return false;
  return state.desired?.candidate?.digest === digest || state.desired?.baseline.digest === digest;
}

export function refOf(state: CoreState, digest: string): ReleaseRef | null {
  return state.holdings.get(digest)?.ref ?? null;
}

/** A frame failed on a runner that still lives. */
export function onFrameFault(
  state: CoreState,
  event: { digest: string; role: 'baseline' | 'candidate' | 'shadow'; fault: 'deadline' | 'non-finite' | 'fault' },
  nowMs: number,
): Turn {
  const ref = refOf(state, event.digest);
  // A deadline that ran out while we stood still ourselves is nobody's fault.
  if (!ref || (event.fault === 'deadline' && isCatchingUp(state.tracks, nowMs))) return turn(state);
  const isShadow = event.role === 'shadow' && isOnTrial(state, event.digest);
  if (event.fault === 'deadline' && isShadow && isStarved(state, event.digest, nowMs)) return starve(state, ref, nowMs);
  const tracks =
    event.fault === 'deadline'
      ? foldMiss(state.tracks, event.digest, nowMs)
      : foldFault(state.tracks, event.digest, event.fault);
  const folded = { ...state, tracks };
  const breach = judgeFaults(folded, event.digest, nowMs);
  if (!breach) return turn(folded);
  return isOnTrial(state, event.digest)
    ? breachTrial(folded, ref, breach, nowMs)
    : breachBaseline(folded, ref, breach, nowMs);
}

/** Not counted. In the long run it goes for a while, and is never set aside for it. */
function starve(state: CoreState, ref: ReleaseRef, nowMs: number): Turn {
  const breach = judgeStarved(state, ref, nowMs);
  return breach === null ? turn(state) : suspend(state, ref, causeOf(breach), nowMs);
}

/** A runner ended by itself, or had to be ended because it hung. */
export function onRunnerDied(
  state: CoreState,
  event: { digest: string; how: 'crash' | 'oom' | 'hang'; reason: string },
  nowMs: number,
): Turn {
  const holding = state.holdings.get(event.digest);
  if (!holding || holding.runner === 'none') return turn(state);
  const gone = withHolding(state, { ...holding, runner: 'none', proof: 'none', loadedAtMs: null });
  if (holding.runner === 'ending') return turn(gone);
  const { ref } = holding;
  const crash = emitting({ kind: 'crash', reason: event.reason, digest: ref.digest, release: ref.release });
  const told = turn({ ...gone, tracks: forgiveTrack(gone.tracks, ref.digest) }, crash);
  if (!isOnTrial(state, event.digest)) return andThen(told, (next) => turn(countDeath(next, ref, event.reason, nowMs)));
  const why = { kind: event.how, reason: event.reason };
  return andThen(told, (next) => strike({ ...next, lastTrouble: event.reason }, ref, why, nowMs));
}

/** A limit is broken by a release on trial: it loses its place at once. */
export function breachTrial(state: CoreState, ref: ReleaseRef, breach: Breach, nowMs: number): Turn {
  if (breach.outcome === 'suspend') return suspend(state, ref, causeOf(breach), nowMs);
  const event = {
    kind: 'breach' as const,
    reason: breach.reason,
    breach: breach.limit,
    digest: ref.digest,
    release: ref.release,
  };
  const why = { kind: breach.strike, reason: breach.reason, breach: breach.limit };
  const told = turn({ ...state, lastTrouble: breach.reason }, emitting(event));
  return andThen(
    andThen(told, (next) => strike(next, ref, why, nowMs)),
    (next) => endRunner(next, ref),
  );
}

/** Marks a release as hindered; a final hindrance waits for a newer generation. */
export function hinder(
  state: CoreState,
  holding: Holding,
  why: { kind: BlockedKind; reason: string; isFinal: boolean },
  nowMs: number,
): CoreState {
  const failures = (holding.hindrance?.failures ?? 0) + 1;
  const waitMs = Math.min(RETRY_AFTER_MS_MAX, RETRY_AFTER_MS * 2 ** (failures - 1));
  const hindrance: Hindrance = {
    kind: why.kind,
    reason: why.reason,
    sinceMs: wallAt(state, nowMs),
    retryAtMs: why.isFinal ? null : nowMs + waitMs,
    failures,
  };
  return withHolding(state, { ...holding, hindrance });
}

/** Counts an end of a baseline's runner; too many give it up for this boot. */
export function countDeath(state: CoreState, ref: ReleaseRef, reason: string, nowMs: number): CoreState {
  const holding = holdingOf(state, ref);
  const deathsAtMs = [...holding.deathsAtMs.filter((atMs) => atMs > nowMs - BASELINE_DEATHS_WITHIN_MS), nowMs];
  const failedAtMs = deathsAtMs.length >= BASELINE_DEATHS_MAX ? nowMs : holding.failedAtMs;
  // No wait: a baseline is loaded again at once. It is kept for whoever asks why nobody answers.
  const failures = (holding.hindrance?.failures ?? 0) + 1;
  const hindrance = { kind: 'load-failed' as const, reason, sinceMs: wallAt(state, nowMs), retryAtMs: nowMs, failures };
  return withHolding(state, { ...holding, deathsAtMs, failedAtMs, hindrance });
}

/** Ends a runner that may still be busy with frames; the frame loop sends those elsewhere first. */
export function endRunner(state: CoreState, ref: ReleaseRef): Turn {
  const holding = holdingOf(state, ref);
  if (holding.runner === 'none' || holding.runner === 'ending') return turn(state);
  const ending = withHolding(state, { ...holding, runner: 'ending', proof: 'none' });
  const forgiven = { ...ending, tracks: forgiveTrack(ending.tracks, ref.digest) };
  return turn(forgiven, { kind: 'unload', digest: ref.digest, how: 'at-once' });
}

/** A baseline that hangs or fails frame after frame is loaded again; the last of the chain is never given up for errors. */
function breachBaseline(state: CoreState, ref: ReleaseRef, breach: Breach, nowMs: number): Turn {
  const strikeKinds: readonly QuarantineKind[] = ['hang'];
  const isLast = !baselineChain(state).some(
    (other) => other.digest !== ref.digest && holdingOf(state, other).failedAtMs === null,
  );
  const isHang = strikeKinds.includes(breach.strike);
  if (!isHang && isLast) return turn({ ...state, tracks: forgiveTrack(state.tracks, ref.digest) });
  const event = { kind: 'breach' as const, reason: breach.reason, breach: breach.limit };
  const told = turn(state, emitting({ ...event, digest: ref.digest, release: ref.release }));
  const counted = andThen(told, (next) =>
    turn(isHang ? countDeath(next, ref, breach.reason, nowMs) : giveUp(next, ref, nowMs)),
  );
  return andThen(counted, (next) => endRunner(next, ref));
}

export function giveUp(state: CoreState, ref: ReleaseRef, nowMs: number): CoreState {
  return withHolding(state, { ...holdingOf(state, ref), failedAtMs: nowMs });
}
