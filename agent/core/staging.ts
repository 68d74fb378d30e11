// The results of the hands: files installed, runners loaded, proofs run. Each result moves one holding one step.
import { endAttempt, strike } from './attempts.ts';
import type { CoreEvent } from './events.ts';
import { forgiveTrack } from './limit-tracks.ts';
import { quarantine } from './quarantine.ts';
import { type CoreState, type Holding, holdingOf, withHolding } from './state.ts';
import { countDeath, endRunner, giveUp, hinder, isOnTrial } from './trouble.ts';
import { andThen, emitting, type Turn, turn } from './turn.ts';

type Event<K extends CoreEvent['kind']> = Extract<CoreEvent, { kind: K }>;

/** A file that is wrong twice in a row comes wrong from its source: final until a newer generation. */
const WRONG_DIGESTS_MAX = 2;
const SCORE_AGAIN_AFTER_MS = 10 * 60_000;

export function onInstalled(state: CoreState, event: Event<'installed'>): Turn {
  const { digest } = event;
  const holding = state.holdings.get(digest);
  if (!holding) return turn(state);
  // A wrong digest is remembered until it has loaded: the same wrong file again is then final.
  const hindrance = holding.hindrance?.kind === 'wrong-digest' ? { ...holding.hindrance, retryAtMs: 0 } : null;
  const memoryMb = event.memoryMb ?? holding.memoryMb;
  return turn(withHolding(state, { ...holding, files: 'installed', memoryMb, failedAtMs: null, hindrance }));
}

export function onInstallFailed(state: CoreState, event: Event<'install-failed'>, nowMs: number): Turn {
  const holding = state.holdings.get(event.digest);
  if (holding?.files !== 'fetching') return turn(state);
  const idle: Holding = { ...holding, files: 'unknown' };
  const hindered = hinder(withHolding(state, idle), idle, { ...event, kind: event.failure }, nowMs);
  const failed = isOnTrial(state, event.digest) ? hindered : giveUp(hindered, holding.ref, nowMs);
  const isFirst = holding.hindrance?.reason !== event.reason;
  const { ref } = holding;
  const told = { kind: 'download-failed' as const, reason: event.reason, digest: ref.digest, release: ref.release };
  return isFirst ? turn(failed, emitting(told)) : turn(failed);
}

export function onLoaded(state: CoreState, event: Event<'loaded'>, nowMs: number): Turn {
  const holding = state.holdings.get(event.digest);
  if (holding?.runner !== 'loading') return turn(state);
  const { provider } = event;
  const loaded: Holding = { ...holding, runner: 'loaded', hindrance: null, provider, loadedAtMs: nowMs };
  return turn({ ...withHolding(state, loaded), tracks: forgiveTrack(state.tracks, event.digest) });
}

export function onLoadFailed(state: CoreState, event: Event<'load-failed'>, nowMs: number): Turn {
  const holding = state.holdings.get(event.digest);
  const isAsked = holding?.runner === 'loading' || holding?.runner === 'ending' || holding?.proof === 'proving';
  if (!holding || !isAsked) return turn(state);
  const idle: Holding = { ...holding, runner: holding.runner === 'loaded' ? 'loaded' : 'none', proof: 'none' };
  const gone = withHolding(state, idle);
  if (holding.runner === 'ending') return turn(gone);
  if (event.failure === 'missing' || event.failure === 'wrong-digest') return refetch(gone, idle, event, nowMs);
  if (event.failure === 'starved' && isOnTrial(state, event.digest)) {
    // The box had no time for the proof: that says nothing about the release, so it is tried again later.
    const why = { kind: 'load-failed' as const, reason: event.reason, isFinal: false };
    return turn(hinder(endAttempt(gone, event.digest), idle, why, nowMs));
  }
  const { ref } = holding;
  const crash = emitting({ kind: 'crash', reason: event.reason, digest: ref.digest, release: ref.release });
  if (!isOnTrial(state, event.digest)) return turn(countDeath(gone, ref, event.reason, nowMs), crash);
  const why = { kind: 'load-failed' as const, reason: event.reason, isFinal: false };
  const told = turn(hinder({ ...gone, lastTrouble: event.reason }, idle, why, nowMs), crash);
  return andThen(told, (next) => strike(next, ref, { kind: event.failure as 'fault', reason: event.reason }, nowMs));
}

export function onUnloaded(state: CoreState, digest: string): Turn {
  const holding = state.holdings.get(digest);
  if (!holding) return turn(state);
  return turn(withHolding(state, { ...holding, runner: 'none', proof: 'none', loadedAtMs: null }));
}

/** The proof of a candidate. A mismatch sets it aside at once; faults are strikes like any other. */
export function onProof(state: CoreState, event: Event<'proof'>, nowMs: number): Turn {
  const { record } = event;
  const holding = state.holdings.get(record.digest);
  if (holding?.proof !== 'proving') return turn(state);
  const { ref } = holding;
  const proofs = new Map(state.proofs).set(record.digest, record);
  const told = emitting({ kind: 'proof', reason: record.reason, digest: ref.digest, release: ref.release });
  const kept = { ...state, proofs };
  if (record.passed) return turn(withHolding(kept, { ...holding, proof: 'passed', hindrance: null }), told);
  const why = {
    kind: event.fault === 'mismatch' ? 'proof-failed' : (event.fault ?? 'fault'),
    reason: record.reason,
  } as const;
  const unproven = withHolding({ ...kept, lastTrouble: record.reason }, { ...holding, proof: 'none' });
  const struck = andThen(turn(unproven, told), (next) =>
    why.kind === 'proof-failed' ? quarantine(next, ref, why, nowMs) : strike(next, ref, why, nowMs),
  );
  return andThen(struck, (next) => endRunner(next, ref));
}

export function onScored(state: CoreState, event: Event<'scored'>, nowMs: number): Turn {
  if (state.scoring !== event.digest) return turn(state);
  const idle = { ...state, scoring: null };
  const { record } = event;
  if (record === null) return turn({ ...idle, scoreAfterMs: nowMs + SCORE_AGAIN_AFTER_MS });
  const told = emitting({ kind: 'proof', reason: record.reason, digest: record.digest, release: record.release });
  const scoreAfterMs = record.passed ? state.scoreAfterMs : nowMs + SCORE_AGAIN_AFTER_MS;
  return turn({ ...idle, scoreAfterMs, proofs: new Map(state.proofs).set(record.digest, record) }, told);
}

/** The file on disk is not the release: fetch it again; meanwhile the next of the chain answers. */
function refetch(state: CoreState, holding: Holding, event: Event<'load-failed'>, nowMs: number): Turn {
  const unknown: Holding = { ...holding, files: 'unknown' };
  const isFinal = (holding.hindrance?.failures ?? 0) + 1 >= WRONG_DIGESTS_MAX && isOnTrial(state, event.digest);
  const why = { kind: 'wrong-digest' as const, reason: event.reason, isFinal };
  const waiting = hinder(withHolding(state, unknown), unknown, why, nowMs);
  const hindered = isFinal || holding.hindrance !== null ? waiting : withoutWait(waiting, event.digest, nowMs);
  const { ref } = holding;
  const told = { kind: 'download-failed' as const, reason: event.reason, digest: ref.digest, release: ref.release };
  const next = isOnTrial(state, event.digest) ? hindered : giveUp(hindered, holdingOf(hindered, ref).ref, nowMs);
  return turn(next, emitting(told));
}

/** The first time it may well be our own disk: the file is fetched again at once. */
function withoutWait(state: CoreState, digest: string, nowMs: number): CoreState {
  const holding = state.holdings.get(digest);
  if (!holding?.hindrance) return state;
  return withHolding(state, { ...holding, hindrance: { ...holding.hindrance, retryAtMs: nowMs } });
}
