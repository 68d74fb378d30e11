// What follows from the state after every event: commit what is proven and wanted, route frames to whom the serving
// rule names, and plan the next steps.
import { clearAttempts } from './attempts.ts';
import { trackHalt } from './halt.ts';
import { killOf, killOfDigest } from './kills.ts';
import { trackLease } from './leasing.ts';
import { keptDigests, planSteps } from './plan.ts';
import { candidateOf, decideServing, isReady, leaseStandingOf } from './serving.ts';
import {
  type CoreState,
  type Holding,
  isOfBaselineChain,
  type PendingRevert,
  type ReleaseRef,
  type Serving,
} from './state.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

/** Answers of a new baseline before it is committed when it has not served as a candidate before. */
export const COMMIT_AFTER_ANSWERS = 10;

export function settle(state: CoreState, nowMs: number): Turn {
  const committed = commit(state);
  const leased = andThen(committed, (next) => trackLease(next, nowMs));
  const routed = andThen(leased, (next) => route(next, nowMs));
  const halted = andThen(routed, (next) => trackHalt(next, nowMs));
  return andThen(halted, (next) => planSteps(next, nowMs));
}

/** The desired baseline becomes the committed one when it runs here, proven: at once after serving as the candidate. */
function commit(state: CoreState): Turn {
  const wanted = state.desired?.baseline;
  if (!wanted || wanted.digest === state.durable.committed.digest) return turn(state);
  if (!isReady(state, wanted) || killOf(state, wanted.digest) !== null) return turn(state);
  if (state.answering?.ref.digest !== wanted.digest || state.serving.ref?.digest !== wanted.digest) return turn(state);
  const hasServedAsCandidate = state.answering.role === 'candidate';
  if (!hasServedAsCandidate && state.answering.frames < COMMIT_AFTER_ANSWERS) return turn(state);
  const ref: ReleaseRef = { release: wanted.release, digest: wanted.digest };
  const durable = { ...state.durable, committed: ref, previous: state.durable.committed };
  const cleared = clearAttempts({ ...state, durable }, ref.digest);
  const reason = `committed after ${state.answering.frames} answers; ${state.durable.committed.release} stays as the previous release`;
  const event = { kind: 'committed' as const, reason, digest: ref.digest, release: ref.release };
  return turn(cleared, emitting({ ...event, generation: state.desired?.generation ?? 0 }));
}

/** Asks the serving rule and, when the answer changed, sends the frames in flight where they belong. */
function route(state: CoreState, nowMs: number): Turn {
  const serving = decideServing(state, nowMs);
  const before = state.serving;
  const generation = state.desired?.generation ?? 0;
  const routed: CoreState = { ...state, serving, servingGeneration: generation };
  if (isSameRoute(before, serving)) return turn(routed);
  const shadowed = startsShadow(before, serving);
  const effects = shadowed ? [emitting({ kind: 'shadow-started' as const, reason: serving.because, ...shadowed })] : [];
  if (before.ref?.digest === serving.ref?.digest) return turn(routed, ...effects, reroute(null, serving));
  const pendingRevert = revertOf(state, serving, nowMs) ?? state.pendingRevert;
  return turn({ ...routed, pendingRevert, lastTrouble: null }, ...effects, reroute(before.ref, serving));
}

/** The device takes a release on trial back by itself: not for a newer order, a kill, or a lease that has lapsed. */
function revertOf(state: CoreState, serving: Serving, nowMs: number): PendingRevert | null {
  const before = state.serving;
  if (before.ref === null || (before.kind !== 'candidate' && before.kind !== 'trial-baseline')) return null;
  if (state.durable.committed.digest === before.ref.digest) return null;
  if (state.servingGeneration !== (state.desired?.generation ?? 0)) return null;
  const isKilled = isOfBaselineChain(state.durable, before.ref.digest)
    ? killOfDigest(state.durable, before.ref.digest)
    : killOf(state, before.ref.digest);
  if (isKilled !== null || isLeaseTheCause(state, before.ref, nowMs)) return null;
  return { from: before.ref, reason: state.lastTrouble ?? serving.because, decidedAtMs: nowMs };
}

/** It could go on, but for its lease: that says nothing about the model. */
function isLeaseTheCause(state: CoreState, ref: ReleaseRef, nowMs: number): boolean {
  const isAble = candidateOf(state)?.digest === ref.digest && isReady(state, ref);
  return isAble && leaseStandingOf(state, nowMs)?.state === 'lapsed';
}

function reroute(from: ReleaseRef | null, serving: Serving) {
  return { kind: 'reroute' as const, from, serving };
}

function isSameRoute(a: Serving, b: Serving): boolean {
  return (
    a.kind === b.kind &&
    a.ref?.digest === b.ref?.digest &&
    a.shadow?.ref.digest === b.shadow?.ref.digest &&
    a.shadow?.sampleEvery === b.shadow?.sampleEvery &&
    a.shadow?.maxExtraLoadPct === b.shadow?.maxExtraLoadPct
  );
}

function startsShadow(before: Serving, after: Serving): ReleaseRef | null {
  if (after.shadow === null || before.shadow?.ref.digest === after.shadow.ref.digest) return null;
  return after.shadow.ref;
}

/** Whatever an event has made superfluous on the disk goes. `before`: as it was when the event came. */
export function collectGarbage(before: CoreState, after: CoreState): Turn {
  if (before.durable === after.durable && before.desired === after.desired) return turn(after);
  const keep = keptDigests(after);
  if (keep.join() === keptDigests(before).join()) return turn(after);
  return turn(withoutFiles(after, keep), { kind: 'collect-garbage', keep });
}

/**
 * Whoever is wanted again is fetched again: what was known of its files is not true any more. Who has nothing running either
 * is forgotten altogether: over the years a device sees many releases.
 */
function withoutFiles(state: CoreState, keep: readonly string[]): CoreState {
  const left = [...state.holdings].filter(([digest, holding]) => keep.includes(digest) || isAtWork(holding));
  const holdings = left.map(([digest, holding]) => {
    const isGone = !keep.includes(digest) && holding.files === 'installed';
    return [digest, isGone ? { ...holding, files: 'unknown' as const } : holding] as const;
  });
  const known = new Set([...keep, ...left.map(([digest]) => digest)]);
  const proofs = [...state.proofs].filter(([digest]) => known.has(digest));
  return { ...state, holdings: new Map(holdings), proofs: new Map(proofs) };
}

function isAtWork({ runner, proof, files }: Holding): boolean {
  return runner !== 'none' || proof === 'proving' || files === 'fetching';
}
