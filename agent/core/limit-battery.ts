// Battery: its floor, and how fast it is drained while a release is on trial against how fast the baseline drained it
// before. A charger that was pulled out leaves nothing to compare with, a neighbour draws as well: then nobody is blamed.
import type { Sensors } from '../../shared/measure/window.ts';
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import { type Breach, limitsOf, minutes, seconds, suspending } from './limit-breach.ts';
import type { DrainSpan, DrainTrack } from './limit-tracks.ts';
import type { CoreState } from './state.ts';

export const BATTERY_HYSTERESIS_PCT = 5;
/** A baseline that was watched for less than this says nothing. */
const ALONE_MS_MIN = 300_000;
/** Older than this counts half: a baseline is what it drew lately. */
const ALONE_MS_MAX = 3_600_000;
/** Readings further apart belong to different times. */
const APART_MS_MAX = 5_000;
/** Whole points fall by chance: fewer than this are no rate. */
const POINTS_MIN = 3;
/** Below this a battery lasts for two days, and twice of little is still little. */
const DRAIN_PCT_PER_HOUR_MIN = 2;
const HOUR_MS = 3_600_000;

/** Since when it is below the floor, or has not come five points above it again; asked with every reading. */
export function lowSince(state: CoreState, sensors: Sensors, nowMs: number): number | null {
  const { lowSinceMs } = state.tracks.drain;
  return isBelowFloor(state.batteryLow, sensors, limitsOf(state)) ? (lowSinceMs ?? nowMs) : null;
}

/** For the dwell: a single reading may be wrong. */
export function isBatteryLow(state: CoreState, lowSinceMs: number | null, nowMs: number): boolean {
  if (lowSinceMs === null) return false;
  return state.batteryLow || nowMs - lowSinceMs >= limitsOf(state).batteryForMs;
}

function isBelowFloor(wasLow: boolean, sensors: Sensors, limits: DeviceLimits): boolean {
  if (limits.batteryFloorPct === null || sensors.batteryPct === null || sensors.batteryCharging === true) return false;
  const floor = limits.batteryFloorPct + (wasLow ? BATTERY_HYSTERESIS_PCT : 0);
  return sensors.batteryPct < floor;
}

export function batteryReason(state: CoreState): string {
  const observed = state.sensors?.batteryPct?.toFixed(0) ?? 'unknown';
  const { batteryFloorPct, batteryForMs } = limitsOf(state);
  return `battery ${observed} % < floor ${batteryFloorPct} % and not charging for ${seconds(batteryForMs)}`;
}

/** With every reading of the sensors. `isHeld`: a neighbour takes the processor, and nobody knows who draws how much. */
export function trackDrain(track: DrainTrack, sensors: Sensors, when: DrainTime, nowMs: number): DrainTrack {
  const { isTrial, isHeld } = when;
  const { batteryPct, batteryCharging } = sensors;
  if (batteryPct === null || batteryCharging === true) return { ...track, trial: null, lastPct: null, lastAtMs: null };
  const ms = track.lastAtMs === null ? 0 : nowMs - track.lastAtMs;
  const seen = { lastPct: batteryPct, lastAtMs: nowMs };
  const trial = isTrial ? track.trial : null;
  if (track.lastPct === null || ms <= 0 || ms > APART_MS_MAX || isHeld) return { ...track, ...seen, trial };
  const rate = sensors.batteryPctPerHour ?? null;
  const points = rate === null ? Math.max(0, track.lastPct - batteryPct) : (Math.max(0, -rate) * ms) / HOUR_MS;
  const step = { ms, points, isStepped: rate === null };
  if (isTrial) return { ...track, ...seen, trial: add(trial, step) };
  return { ...track, ...seen, trial, alone: fade(add(track.alone, step)) };
}

type DrainTime = { readonly isTrial: boolean; readonly isHeld: boolean };

export function judgeDrain(state: CoreState): Breach | null {
  const { batteryDrainRatio, batteryDrainForMs } = limitsOf(state);
  const { alone, trial } = state.tracks.drain;
  if (batteryDrainRatio === null || trial === null || trial.ms < batteryDrainForMs || trial.points < POINTS_MIN)
    return null;
  if (alone === null || alone.ms < ALONE_MS_MIN) return null;
  // A point that is shown may have been about to fall for long, and one about to fall is not shown: both for the release.
  const now = perHour(trial, -1);
  const before = perHour(alone, 1);
  if (now <= batteryDrainRatio * Math.max(before, DRAIN_PCT_PER_HOUR_MIN)) return null;
  const reason = `battery drained by ${now.toFixed(1)} % per hour > ${batteryDrainRatio} × ${before.toFixed(1)} % per hour with the baseline, for ${minutes(trial.ms)}`;
  return suspending('drain', reason);
}

function add(span: DrainSpan | null, step: DrainSpan): DrainSpan {
  if (span === null) return step;
  const isStepped = span.isStepped || step.isStepped;
  return { ms: span.ms + step.ms, points: span.points + step.points, isStepped };
}

function fade(span: DrainSpan): DrainSpan {
  return span.ms < ALONE_MS_MAX ? span : { ...span, ms: span.ms / 2, points: span.points / 2 };
}

function perHour(span: DrainSpan, stepPoints: number): number {
  const points = Math.max(0, span.points + (span.isStepped ? stepPoints : 0));
  return (points * HOUR_MS) / span.ms;
}
