// Pace: answers per second against a floor, and latency against this device's own baseline. Held, with the dwell begun
// anew, while a camera is bad, the box is throttled, a neighbour takes the machine, or we ourselves stood still.
import { areCamerasBad, areCamerasLost, type Breach, limitsOf, seconds, setAside } from './limit-breach.ts';
import { isSlow } from './limit-machine.ts';
import {
  type FrameRate,
  type LimitTracks,
  quantileOf,
  type ReleaseTrack,
  type Sample,
  trackOf,
} from './limit-tracks.ts';
import type { CoreState, ReleaseRef } from './state.ts';

/** Answers needed on either side before latencies are compared. */
const LATENCY_SAMPLES_MIN = 10;
/** A level counts as left only below this share of the limit. */
const LATENCY_HYSTERESIS = 0.9;
/** The baseline is what it was in the last half minute that it answered in, not what it was when it had just begun. */
const BASELINE_WITHIN_MS = 30_000;
/** Its first answers after a load include page faults and cold caches: a baseline is not compared with before. */
const WARM_UP_MS = 10_000;

/** Of the frame rate that the baseline reached: what is above it is no worse. */
const AS_SLOW_SHARE = 0.8;

type PaceTracks = Pick<LimitTracks, 'latencyAboveSinceMs' | 'paceHeldAtMs' | 'baselineRate' | 'trialServedAtMs'>;

/** At every tick; `trial` null: only the baseline runs. */
export function trackPace(state: CoreState, trial: ReleaseRef | null, nowMs: number): PaceTracks {
  const paceHeldAtMs = isSlow(state.tracks, nowMs) || areCamerasBad(state, nowMs) ? nowMs : state.tracks.paceHeldAtMs;
  const isHeld = trial === null || isSlow(state.tracks, nowMs) || areCamerasLost(state, nowMs);
  const baselineRate = baselineRateOf(state, trial, nowMs);
  const trialServedAtMs = trial === null ? state.tracks.trialServedAtMs : nowMs;
  return {
    paceHeldAtMs,
    baselineRate,
    trialServedAtMs,
    latencyAboveSinceMs: isHeld ? null : latencySince(state, trial, nowMs),
  };
}

export function judgeFps(state: CoreState, nowMs: number): Breach | null {
  const { fpsFloor, fpsForMs } = limitsOf(state);
  const { tracks } = state;
  if (fpsFloor === null || tracks.trialSinceMs === null) return null;
  const sinceMs = Math.max(tracks.trialSinceMs, tracks.paceHeldAtMs ?? 0);
  if (nowMs - sinceMs < fpsForMs) return null;
  const rate = ratesOver(tracks, nowMs, fpsForMs);
  if (rate.answered >= fpsFloor || rate.offered < fpsFloor) return null;
  if (isAsSlow(tracks.baselineRate, rate, fpsFloor)) return null;
  const reason = `${rate.answered.toFixed(1)} answers per second < floor ${fpsFloor} for ${seconds(fpsForMs)} (offered ${rate.offered.toFixed(1)})`;
  return setAside('fps', reason);
}

export function judgeLatency(state: CoreState, trial: ReleaseRef, nowMs: number): Breach | null {
  const { latencyRatio, latencyForMs } = limitsOf(state);
  const since = state.tracks.latencyAboveSinceMs;
  if (latencyRatio === null || since === null || nowMs - since < latencyForMs) return null;
  const { own, baseline } = latencyPair(state, trial, nowMs);
  const reason = `p95 latency ${show(own)} ms > ${latencyRatio} × own baseline ${show(baseline)} ms for ${seconds(latencyForMs)}`;
  return setAside('latency', reason);
}

function latencySince(state: CoreState, trial: ReleaseRef, nowMs: number): number | null {
  const { latencyRatio } = limitsOf(state);
  const since = state.tracks.latencyAboveSinceMs;
  const { own, baseline } = latencyPair(state, trial, nowMs);
  if (latencyRatio === null || own === null || baseline === null) return null;
  const limit = latencyRatio * baseline * (since === null ? 1 : LATENCY_HYSTERESIS);
  return own > limit ? (since ?? nowMs) : null;
}

function latencyPair(state: CoreState, trial: ReleaseRef, nowMs: number) {
  const { latencyForMs } = limitsOf(state);
  const heldAtMs = state.tracks.paceHeldAtMs ?? 0;
  const sinceMs = Math.max(nowMs - latencyForMs, heldAtMs);
  const within = trackOf(state.tracks, trial.digest).latency.filter((sample) => sample.atMs > sinceMs);
  // A third of the dwell: a peak must not count twice, once in the quantile and once in the dwell.
  const fresh = within.filter((sample) => sample.atMs > nowMs - latencyForMs / 3);
  const own = fresh.length >= LATENCY_SAMPLES_MIN ? fresh : within.slice(-LATENCY_SAMPLES_MIN);
  const baseline = lastStretch(trackOf(state.tracks, state.durable.committed.digest));
  return { own: p95(own), baseline: p95(baseline) };
}

/** Measured from its last answer: while a candidate serves, a baseline grows no older. */
function lastStretch({ latency, firstAnswerAtMs }: ReleaseTrack): readonly Sample[] {
  const warmAtMs = (firstAnswerAtMs ?? 0) + WARM_UP_MS;
  const samples = latency.filter((sample) => sample.atMs >= warmAtMs);
  const lastAtMs = samples.at(-1)?.atMs ?? 0;
  const recent = samples.filter((sample) => sample.atMs > lastAtMs - BASELINE_WITHIN_MS);
  return recent.length >= LATENCY_SAMPLES_MIN ? recent : samples.slice(-LATENCY_SAMPLES_MIN);
}

function p95(samples: readonly Sample[]): number | null {
  if (samples.length < LATENCY_SAMPLES_MIN) return null;
  return quantileOf(
    samples.map((sample) => sample.ms),
    0.95,
  );
}

/** What this device can do: known once the baseline has answered for the whole dwell. `trial` null: it answers. */
function baselineRateOf(state: CoreState, trial: ReleaseRef | null, nowMs: number): FrameRate | null {
  const { tracks } = state;
  const { fpsForMs } = limitsOf(state);
  const firstAtMs = 1000 * ((tracks.buckets[0]?.second ?? Number.POSITIVE_INFINITY) + 1);
  const aloneSinceMs = Math.max(firstAtMs, (tracks.trialServedAtMs ?? 0) + 1000);
  const isKnown = trial === null && nowMs - aloneSinceMs >= fpsForMs;
  return isKnown ? ratesOver(tracks, nowMs, fpsForMs) : tracks.baselineRate;
}

/** The baseline did not reach the floor either: going back to it would help nobody. */
function isAsSlow(baseline: FrameRate | null, own: FrameRate, fpsFloor: number): boolean {
  if (baseline === null || baseline.offered < fpsFloor || baseline.answered >= fpsFloor) return false;
  return own.answered >= AS_SLOW_SHARE * baseline.answered;
}

/** Frames per second over the last `forMs`, whole seconds only. */
function ratesOver(tracks: LimitTracks, nowMs: number, forMs: number): FrameRate {
  const end = Math.floor(nowMs / 1000);
  const length = Math.max(1, Math.floor(forMs / 1000));
  const within = tracks.buckets.filter((bucket) => bucket.second < end && bucket.second >= end - length);
  const sum = (what: 'offered' | 'answered') => within.reduce((total, bucket) => total + bucket[what], 0);
  return { offered: sum('offered') / length, answered: sum('answered') / length };
}

function show(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(1);
}
