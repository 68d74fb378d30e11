// The wall clock in the core: an offset to the monotonic clock, for dates that people read and for how old a golden result
// is. A box without a clock battery learns the time after its start, so the offset follows a clock that was set. Pure.
import type { CoreState } from './state.ts';

/** Time synchronisation pulls a clock by moments all the time; every move of the offset is another report. */
const SET_MS_MIN = 5_000;

/** `wallNowMs` undefined: not known at this moment. */
export function followClock(state: CoreState, wallNowMs: number | undefined, monotonicNowMs: number): CoreState {
  if (wallNowMs === undefined) return state;
  const wallOffsetMs = wallNowMs - monotonicNowMs;
  const isSet = Math.abs(wallOffsetMs - state.wallOffsetMs) > SET_MS_MIN;
  return isSet ? { ...state, wallOffsetMs } : state;
}
