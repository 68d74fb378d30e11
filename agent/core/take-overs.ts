// How often a release on trial has taken the frames over under one order. A lease, a heat or a battery that comes and goes
// would switch a line to and fro for ever: the device then holds at its baseline until a person orders anew.
import type { TakeOvers } from './limit-state.ts';
import type { CoreState, ReleaseRef } from './state.ts';

/** Each is followed by a way back: 28 changes of the release that answers. */
export const TAKE_OVERS_MAX = 14;

/** At the first frame that the release answers after another one. Durable only in this boot: each begins at the baseline. */
export function countTakeOver(state: CoreState, { digest }: ReleaseRef, nowMs: number): CoreState {
  const generation = state.desired?.generation ?? 0;
  const before = state.takeOvers;
  const isSame = before?.digest === digest && before.generation === generation;
  const times = isSame ? before.times + 1 : 1;
  const counted = { ...state, takeOvers: { digest, generation, times } };
  return times > TAKE_OVERS_MAX ? hold(counted, counted.takeOvers, nowMs) : counted;
}

function hold(state: CoreState, { digest, generation, times }: TakeOvers, nowMs: number): CoreState {
  const reason = `taken off until a newer order: it has taken over ${times} times under this one, and was taken off each time`;
  const was = state.suspensions.get(digest)?.times ?? 0;
  const suspension = {
    digest,
    limit: 'flapping' as const,
    reason,
    untilMs: null,
    sinceMs: nowMs,
    times: was,
    generation,
    isOver: false,
  };
  return { ...state, suspensions: new Map(state.suspensions).set(digest, suspension), lastTrouble: reason };
}
