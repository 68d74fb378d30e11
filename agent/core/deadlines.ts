// How long a frame may take: max(floor, ratio × rolling p99 of that release), never above the cap.
// A baseline that nobody can stand in for gets more: giving its frame up would help nobody.
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import { isSlow } from './limit-machine.ts';
import { type LimitTracks, quantileOf, trackOf } from './limit-tracks.ts';

const BASELINE_FLOOR_MS = 2_000;
const BASELINE_RATIO = 10;
/** While a neighbour takes the machine, or it is throttled, everybody is slow; one that hangs is still found. */
const BUSY_RATIO = 4;
/** Fewer answers than this say nothing about a p99: the first ones include page faults and cold caches. */
const SAMPLES_MIN = 10;

export type DeadlineRole = 'baseline' | 'candidate' | 'shadow';

/** Milliseconds from handing the frame to the runner until it counts as missed. */
export function deadlineMs(tracks: LimitTracks, digest: string, role: DeadlineRole, limits: DeviceLimits): number {
  if (role === 'shadow') return limits.deadlineCapMs;
  const { service } = trackOf(tracks, digest);
  const p99 = service.length < SAMPLES_MIN ? null : quantileOf(service, 0.99);
  if (role === 'baseline')
    return Math.min(
      limits.deadlineCapMs,
      Math.max(BASELINE_FLOOR_MS, (p99 ?? Number.POSITIVE_INFINITY) * BASELINE_RATIO),
    );
  const started = p99 === null ? Math.max(limits.deadlineFloorMs, FIRST_ANSWERS_MS) : p99 * limits.deadlineRatio;
  const patience = isSlow(tracks, tracks.pulseMs ?? 0) ? BUSY_RATIO : 1;
  return Math.min(limits.deadlineCapMs, Math.max(limits.deadlineFloorMs, started) * patience);
}

/** Until a release has a p99 of its own. */
const FIRST_ANSWERS_MS = 1_000;
