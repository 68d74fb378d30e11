// What the memory of this device changes in the life of a release: refused before its files are downloaded, admitted warm
// or with a baseline that will rest, and taken off or made colder when memory runs short beside it.
import { suspend } from './limit-suspension.ts';
import type { Trial } from './limits.ts';
import {
  admit,
  admitNow,
  isProofFresh,
  isScoreRetried,
  shortage,
  trackMemory,
  whyWarmIsNeeded,
} from './memory-mode.ts';
import { type CoreState, type Holding, holdingOf, withHolding } from './state.ts';
import { hinder, isOnTrial } from './trouble.ts';
import { type Turn, turn } from './turn.ts';

/** The manifest is known: what does not fit is not downloaded. */
export function onSized(state: CoreState, event: { digest: string; memoryMb: number }, nowMs: number): Turn {
  const holding = state.holdings.get(event.digest);
  if (holding?.files !== 'fetching') return turn(state);
  const sized = withHolding(state, { ...holding, memoryMb: event.memoryMb });
  if (!isOnTrial(state, event.digest)) return turn(sized);
  const admission = admit(sized, holding.ref);
  if (admission.kind !== 'refuse') return turn(sized);
  const stopped: Holding = { ...holdingOf(sized, holding.ref), files: 'unknown' };
  const refused = refuse(withHolding(sized, stopped), stopped, admission.reason, nowMs);
  return turn(refused, { kind: 'cancel', digest: event.digest });
}

/** On trial, of known size, and nothing of it loaded yet. */
export function isToBeAdmitted(state: CoreState, holding: Holding): boolean {
  const isNew = holding.runner === 'none' && holding.proof === 'none' && holding.memoryMb !== null;
  return isNew && isOnTrial(state, holding.ref.digest);
}

/** Goes on with `then` when there is room, and remembers in which mode. */
export function admitStep(state: CoreState, holding: Holding, nowMs: number, then: (next: CoreState) => Turn): Turn {
  const admission = admitNow(state, holding.ref);
  switch (admission.kind) {
    case 'wait':
      return turn(state);
    case 'refuse':
      return turn(refuse(state, holding, admission.reason, nowMs));
    case 'warm':
      return then(withMode(state, 'warm', admission.because));
    case 'cold-baseline':
      return admitCold(withMode(state, 'cold-baseline', admission.because), holding, nowMs, then);
  }
}

/** At every tick: what is left of memory beside a release on trial. */
export function watchMemory(state: CoreState, trial: Trial | null, nowMs: number): Turn {
  const tracked: CoreState = { ...state, memory: trackMemory(state, nowMs) };
  const why = trial === null ? null : shortage(tracked, nowMs);
  if (trial === null || why === null || tracked.memory.mode === 'cold-baseline') return turn(tracked);
  const warmIsNeeded = whyWarmIsNeeded(tracked, trial.ref);
  if (warmIsNeeded === null) return turn(withMode(tracked, 'cold-baseline', why));
  const cause = { limit: 'reserve' as const, reason: `${why}; ${warmIsNeeded}`, isBlamed: false, isTold: true };
  return suspend(tracked, trial.ref, cause, nowMs);
}

/** A baseline that shall rest answers its golden pictures first. */
function admitCold(state: CoreState, holding: Holding, nowMs: number, then: (next: CoreState) => Turn): Turn {
  const { committed } = state.durable;
  if (isProofFresh(state, committed, nowMs)) return then(state);
  const proof = state.proofs.get(committed.digest);
  if (proof?.passed !== false && isScoreRetried(state, nowMs)) {
    const why = 'both do not fit, and the baseline may not rest before it has answered its golden pictures: that';
    return turn(refuse(state, holding, `${why} did not come to an end, and is tried again`, nowMs));
  }
  if (state.scoring !== null || proof === undefined || proof.passed) return turn(state);
  const reason = `both do not fit, and the baseline may not rest: its golden pictures say ${proof.reason}`;
  return turn(refuse(state, holding, reason, nowMs));
}

function refuse(state: CoreState, holding: Holding, reason: string, nowMs: number): CoreState {
  return hinder(state, holding, { kind: 'not-warm', reason, isFinal: false }, nowMs);
}

function withMode(state: CoreState, mode: 'warm' | 'cold-baseline', because: string): CoreState {
  const { memory } = state;
  return memory.mode === mode && memory.because === because
    ? state
    : { ...state, memory: { ...memory, mode, because } };
}
