// Which runner gets a frame: that of the serving release, or the one that stands in for it while it is late.
import { fallbackFor } from './core/serving.ts';
import type { CoreState, Serving } from './core/state.ts';
import { type Lane, laneKey } from './frame.ts';

/** The serving release's lane; while that is late, its stand-in from the baseline chain, and the frame is counted as diverted. */
export function servingLane(
  state: CoreState,
  lanes: ReadonlyMap<string, Lane>,
  serving: Serving,
  cameraId: string,
): { readonly lane: Lane; readonly role: Serving['role'] } | null {
  if (serving.ref === null) return null;
  const lane = lanes.get(laneKey(serving.ref.digest, cameraId));
  if (lane && !lane.isLate) return { lane, role: serving.role };
  const fallback = fallbackFor(state, serving.ref.digest);
  const stand = fallback === null ? undefined : lanes.get(laneKey(fallback.digest, cameraId));
  if (stand) {
    if (lane) lane.diverted += 1;
    return { lane: stand, role: 'baseline' };
  }
  return lane ? { lane, role: serving.role } : null;
}
