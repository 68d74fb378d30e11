// Gaps in our own time: the supervisor was stopped, swapped out or starved. Whatever was late then was late because of us,
// so every dwell begins anew and no missed deadline counts. The wall clock is never asked.
import { type LimitTracks, restartDwells } from './limit-tracks.ts';

/** Events come at least once a second, so a longer silence is one of our own. */
export const GAP_MS = 2_500;
/** What was waiting when we came back is handled within this time, timers that had run out first. */
const CATCH_UP_MS = 2_000;

/** Asked before every event is folded. */
export function notePulse(tracks: LimitTracks, nowMs: number): LimitTracks {
  const isGap = tracks.pulseMs !== null && nowMs - tracks.pulseMs > GAP_MS;
  const kept = isGap ? { ...restartDwells(tracks, nowMs), resumedAtMs: nowMs } : tracks;
  return { ...kept, pulseMs: nowMs };
}

/** A deadline that runs out now ran out while we did not run. */
export function isCatchingUp(tracks: LimitTracks, nowMs: number): boolean {
  return tracks.resumedAtMs !== null && nowMs - tracks.resumedAtMs < CATCH_UP_MS;
}
