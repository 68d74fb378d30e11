// Which lane is asked for a second opinion: a suspected candidate answers, and the baseline looks at a few of the very
// same frames. Only a lane that has nothing to do: an opinion never costs a frame its place.
import { opinionWanted } from './core/limit-content.ts';
import type { CoreState } from './core/state.ts';
import { type Frame, isIdle, type Lane, laneKey } from './frame.ts';

/** The baseline is asked about every so many frames. */
const OPINION_EVERY = 5;

export function opinionLane(state: CoreState, lanes: ReadonlyMap<string, Lane>, frame: Frame): Lane | null {
  if (frame.token.seq % OPINION_EVERY !== 0) return null;
  const ref = opinionWanted(state);
  const lane = ref === null ? undefined : lanes.get(laneKey(ref.digest, frame.cameraId));
  return lane !== undefined && isIdle(lane) ? lane : null;
}
