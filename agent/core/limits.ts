// The local limits: judged on the device, with no network. Each has a dwell, a hysteresis where it can recover, and a
// cause check: a dark camera, a throttled box or heat without a candidate is not the model's fault.
import type { Sensors } from '../../shared/measure/window.ts';
import { DEFAULT_LIMITS, type DeviceLimits } from '../../shared/protocol/limits.ts';
import { type LimitTracks, quantileOf, type ReleaseTrack, trackOf } from './limit-tracks.ts';
import type { CoreState, QuarantineKind, ReleaseRef } from './state.ts';

/** Answers needed on either side before latencies are compared. */
const LATENCY_SAMPLES_MIN = 10;
/** A level counts as left only below this share of the limit. */
const LATENCY_HYSTERESIS = 0.9;
const TEMPERATURE_HYSTERESIS_C = 3;
export const BATTERY_HYSTERESIS_PCT = 5;

export type Breach = {
  readonly limit: 'fps' | 'latency' | 'errors' | 'temperature' | 'deadline';
  readonly strike: QuarantineKind;
  readonly reason: string;
};

export function limitsOf(state: CoreState): DeviceLimits {
  return state.desired?.limits ?? DEFAULT_LIMITS;
}

/** What a release under observation has broken by its faults alone; asked after every fault. */
export function judgeFaults(state: CoreState, digest: string, nowMs: number): Breach | null {
  const limits = limitsOf(state);
  const track = trackOf(state.tracks, digest);
  const misses = missesWithin(track, nowMs - limits.deadlineWindowMs);
  if (misses >= limits.deadlineMisses) {
    const reason = `${misses} frames missed their deadline within ${limits.deadlineWindowMs / 1000} s`;
    return { limit: 'deadline', strike: 'hang', reason };
  }
  if (track.streak < limits.errorStreak) return null;
  const what = track.streakKind === 'non-finite' ? 'answered with numbers that are not finite' : 'failed';
  return { limit: 'errors', strike: track.streakKind, reason: `${track.streak} frames in a row ${what}` };
}

export function missesWithin(track: ReleaseTrack, sinceMs: number): number {
  return track.missesAtMs.filter((atMs) => atMs > sinceMs).length;
}

/** Brings the levels up to date; asked at every tick, with the release on trial (null: only the baseline runs). */
export function trackLevels(state: CoreState, trial: ReleaseRef | null, nowMs: number): LimitTracks {
  const { tracks } = state;
  return {
    ...tracks,
    trialSinceMs: trial === null ? null : (tracks.trialSinceMs ?? nowMs),
    latencyAboveSinceMs: trial === null ? null : latencySince(state, trial, nowMs),
    hotSinceMs: hotSince(state, nowMs),
  };
}

/** What the release on trial has broken by its levels; asked at every tick after trackLevels. */
export function judgeLevels(state: CoreState, trial: ReleaseRef, nowMs: number): Breach | null {
  return judgeTemperature(state, nowMs) ?? judgeFps(state, nowMs) ?? judgeLatency(state, trial, nowMs);
}

/** Above the ceiling for the dwell, and not since a release on trial came: no trial until it has cooled down. */
export function isTooHot(state: CoreState, nowMs: number): boolean {
  const { hotSinceMs: since, trialSinceMs } = state.tracks;
  if (since === null || limitsOf(state).temperatureCeilingC === null) return false;
  if (state.tooHot) return true;
  const isOwnHeat = trialSinceMs !== null && since >= trialSinceMs;
  return !isOwnHeat && nowMs - since >= limitsOf(state).temperatureForMs;
}

/** Below the floor and not charging; recovers five points above it. */
export function isBatteryLow(wasLow: boolean, sensors: Sensors, limits: DeviceLimits): boolean {
  if (limits.batteryFloorPct === null || sensors.batteryPct === null || sensors.batteryCharging === true) return false;
  const floor = limits.batteryFloorPct + (wasLow ? BATTERY_HYSTERESIS_PCT : 0);
  return sensors.batteryPct < floor;
}

function judgeFps(state: CoreState, nowMs: number): Breach | null {
  const { fpsFloor, fpsForMs } = limitsOf(state);
  const { tracks } = state;
  if (fpsFloor === null || tracks.trialSinceMs === null || nowMs - tracks.trialSinceMs < fpsForMs) return null;
  if (isCameraBad(state) || state.sensors?.throttled === true) return null;
  const rate = ratesOver(tracks, nowMs, fpsForMs);
  if (rate.answered >= fpsFloor || rate.offered < fpsFloor) return null;
  const reason = `${rate.answered.toFixed(1)} answers per second < floor ${fpsFloor} for ${fpsForMs / 1000} s (offered ${rate.offered.toFixed(1)})`;
  return { limit: 'fps', strike: 'breach', reason };
}

function judgeLatency(state: CoreState, trial: ReleaseRef, nowMs: number): Breach | null {
  const { latencyRatio, latencyForMs } = limitsOf(state);
  const since = state.tracks.latencyAboveSinceMs;
  if (latencyRatio === null || since === null || nowMs - since < latencyForMs) return null;
  const { own, baseline } = latencyPair(state, trial, nowMs);
  const reason = `p95 latency ${show(own)} ms > ${latencyRatio} × own baseline ${show(baseline)} ms for ${latencyForMs / 1000} s`;
  return { limit: 'latency', strike: 'breach', reason };
}

function judgeTemperature(state: CoreState, nowMs: number): Breach | null {
  const { temperatureCeilingC, temperatureForMs } = limitsOf(state);
  const { hotSinceMs: since, trialSinceMs } = state.tracks;
  if (temperatureCeilingC === null || since === null || nowMs - since < temperatureForMs) return null;
  // Heat that was there before the release is not its fault: isTooHot takes it off without blame.
  if (trialSinceMs === null || since < trialSinceMs) return null;
  const reason = `${show(state.sensors?.temperatureC ?? null)} °C > ceiling ${temperatureCeilingC} °C for ${temperatureForMs / 1000} s`;
  return { limit: 'temperature', strike: 'breach', reason };
}

function hotSince(state: CoreState, nowMs: number): number | null {
  const { temperatureCeilingC } = limitsOf(state);
  const temperature = state.sensors?.temperatureC ?? null;
  if (temperatureCeilingC === null || temperature === null) return null;
  const since = state.tracks.hotSinceMs;
  const ceiling = temperatureCeilingC - (since === null ? 0 : TEMPERATURE_HYSTERESIS_C);
  return temperature > ceiling ? (since ?? nowMs) : null;
}

function latencySince(state: CoreState, trial: ReleaseRef, nowMs: number): number | null {
  const { latencyRatio } = limitsOf(state);
  const since = state.tracks.latencyAboveSinceMs;
  const { own, baseline } = latencyPair(state, trial, nowMs);
  if (latencyRatio === null || own === null || baseline === null) return null;
  if (state.sensors?.throttled === true) return since;
  const limit = latencyRatio * baseline * (since === null ? 1 : LATENCY_HYSTERESIS);
  return own > limit ? (since ?? nowMs) : null;
}

function latencyPair(state: CoreState, trial: ReleaseRef, nowMs: number) {
  const { latencyForMs } = limitsOf(state);
  const within = trackOf(state.tracks, trial.digest).latency.filter((sample) => sample.atMs > nowMs - latencyForMs);
  // A third of the dwell: a peak must not count twice, once in the quantile and once in the dwell.
  const fresh = within.filter((sample) => sample.atMs > nowMs - latencyForMs / 3);
  const own = fresh.length >= LATENCY_SAMPLES_MIN ? fresh : within.slice(-LATENCY_SAMPLES_MIN);
  const baseline = trackOf(state.tracks, state.durable.committed.digest).latency;
  return { own: p95(own), baseline: p95(baseline) };
}

function p95(samples: readonly { readonly ms: number }[]): number | null {
  if (samples.length < LATENCY_SAMPLES_MIN) return null;
  return quantileOf(
    samples.map((sample) => sample.ms),
    0.95,
  );
}

/** Frames per second over the last `forMs`, whole seconds only. */
function ratesOver(tracks: LimitTracks, nowMs: number, forMs: number): { offered: number; answered: number } {
  const end = Math.floor(nowMs / 1000);
  const seconds = Math.max(1, Math.floor(forMs / 1000));
  const within = tracks.buckets.filter((bucket) => bucket.second < end && bucket.second >= end - seconds);
  const sum = (what: 'offered' | 'answered') => within.reduce((total, bucket) => total + bucket[what], 0);
  return { offered: sum('offered') / seconds, answered: sum('answered') / seconds };
}

/** Any camera lost or known to be unhealthy: hold, do not blame the model. */
function isCameraBad(state: CoreState): boolean {
  return [...state.cameras.values()].some((camera) => camera.lost || camera.healthy === false);
}

function show(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(1);
}
