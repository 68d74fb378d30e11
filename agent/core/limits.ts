// The door of the local limits: judged on the device, with no network. Each has a dwell, a hysteresis where it can
// recover, and a cause check: a dark camera, a throttled box, a neighbour or our own pause is not the model's fault.
import { judgeDrain } from './limit-battery.ts';
import { type Breach, limitsOf, seconds } from './limit-breach.ts';
import { judgeContent, trackSuspicion } from './limit-content.ts';
import { judgeGrowth } from './limit-growth.ts';
import { hotSince, judgeTemperature } from './limit-heat.ts';
import { judgeThrottling, trackThrottling } from './limit-machine.ts';
import { judgeFps, judgeLatency, trackPace } from './limit-pace.ts';
import { type LimitTracks, type ReleaseTrack, trackOf } from './limit-tracks.ts';
import type { CoreState, ReleaseRef } from './state.ts';

/** How a release is on trial: a shadow answers nobody, so only what it costs the machine is judged. */
export type Trial = { readonly ref: ReleaseRef; readonly isShadow: boolean };

/** What a release under observation has broken by its faults alone; asked after every fault. */
export function judgeFaults(state: CoreState, digest: string, nowMs: number): Breach | null {
  const limits = limitsOf(state);
  const track = trackOf(state.tracks, digest);
  const misses = missesWithin(track, nowMs - limits.deadlineWindowMs);
  if (misses >= limits.deadlineMisses) {
    const reason = `${misses} frames missed their deadline within ${seconds(limits.deadlineWindowMs)} ≥ limit ${limits.deadlineMisses}`;
    return { limit: 'deadline', outcome: 'set-aside', strike: 'hang', isBlamed: true, reason };
  }
  if (track.streak < limits.errorStreak) return null;
  const what = track.streakKind === 'non-finite' ? 'answered with numbers that are not finite' : 'failed';
  const reason = `${track.streak} frames in a row ${what} ≥ limit ${limits.errorStreak}`;
  return { limit: 'errors', outcome: 'set-aside', strike: track.streakKind, isBlamed: true, reason };
}

export function missesWithin(track: ReleaseTrack, sinceMs: number): number {
  return track.missesAtMs.filter((atMs) => atMs > sinceMs).length;
}

/** Brings the levels up to date; asked at every tick, with the release on trial (null: only the baseline runs). */
export function trackLevels(state: CoreState, trial: Trial | null, nowMs: number): LimitTracks {
  const tracks = trackTrial(state.tracks, trial, nowMs);
  const machine = trackThrottling({ ...state, tracks }, trial !== null, nowMs);
  const known: CoreState = { ...state, tracks: { ...tracks, machine } };
  const served = trial === null || trial.isShadow ? null : trial.ref;
  return {
    ...known.tracks,
    ...trackPace(known, served, nowMs),
    hotSinceMs: hotSince(known, nowMs),
    suspicion: trackSuspicion(known, served, nowMs),
  };
}

/** What the release on trial has broken by its levels; asked at every tick after trackLevels. */
export function judgeLevels(state: CoreState, trial: Trial, nowMs: number): Breach | null {
  const cost =
    judgeTemperature(state, nowMs) ?? judgeThrottling(state, nowMs) ?? judgeGrowth(state, nowMs) ?? judgeDrain(state);
  if (cost !== null || trial.isShadow) return cost;
  return judgeFps(state, nowMs) ?? judgeLatency(state, trial.ref, nowMs) ?? judgeContent(state, trial.ref, nowMs);
}

/** Another release on trial begins anew in everything that is held against it. */
function trackTrial(tracks: LimitTracks, trial: Trial | null, nowMs: number): LimitTracks {
  const digest = trial?.ref.digest ?? null;
  if (digest === tracks.trialDigest) return tracks;
  const begun = { trialDigest: digest, trialSinceMs: digest === null ? null : nowMs };
  return {
    ...tracks,
    ...begun,
    latencyAboveSinceMs: null,
    suspicion: null,
    memory: [],
    drain: { ...tracks.drain, trial: null },
  };
}
