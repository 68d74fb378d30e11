// What the machine does besides: a neighbour that takes the processor, and throttling. Both make everybody slow, so both
// hold the judgement of pace; only throttling that begins with a release on trial is laid at its door.
import type { Sensors } from '../../shared/measure/window.ts';
import { type Breach, limitsOf, minutes, seconds, suspending } from './limit-breach.ts';
import { type LimitTracks, trackOf } from './limit-tracks.ts';
import type { MachineTrack } from './machine-track.ts';
import type { CoreState, ReleaseRef } from './state.ts';

/** Processor time of others, in points of all cores above what it was while the baseline answered alone. */
const NEIGHBOUR_PCT = 20;
/** Nobody waits on a machine below this load, or where the kernel says that fewer wait than this. */
const LOADED_PCT = 85;
const PRESSED_PCT = 20;
/** Queues and percentiles follow the processor by this much. */
const BUSY_AFTER_MS = 10_000;
/** Of its time in line for a processor; a release that computes or sleeps waits for none. */
const STARVED_PCT = 50;
const STARVED_FOR_MS = 300_000;
/** Readings come once a second; more than the longest deadline has are never asked for. */
const WAITS_MAX = 64;
const NOW_WEIGHT = 0.3;
const HABIT_WEIGHT = 0.05;
/** Throttling comes and goes with the governor: it has ended when it was away for this long. */
const THROTTLE_GONE_AFTER_MS = 10_000;
/** Throttled within this time before the release came: the heat was there already. */
const THROTTLED_BEFORE_MS = 300_000;

/** With every reading; releases that are not read any more are forgotten. */
export function foldWaiting(tracks: LimitTracks, shares: ReadonlyMap<string, number>, nowMs: number): LimitTracks {
  const { machine } = tracks;
  const waiting = [...shares].map(([digest, pct]) => {
    const samples = [...(machine.waiting.get(digest) ?? []), { atMs: nowMs, pct }];
    return [digest, samples.slice(-WAITS_MAX)] as const;
  });
  return { ...tracks, machine: { ...machine, waiting: new Map(waiting) } };
}

/** Share of the longest deadline until now in which the release stood in line for a processor; null: not known. */
export function waitingPct(state: CoreState, digest: string, nowMs: number): number | null {
  const sinceMs = nowMs - limitsOf(state).deadlineCapMs;
  const samples = (state.tracks.machine.waiting.get(digest) ?? []).filter((sample) => sample.atMs > sinceMs);
  if (samples.length === 0) return null;
  return samples.reduce((sum, sample) => sum + sample.pct, 0) / samples.length;
}

/** A shadow gets what is left of the machine. One that gets next to nothing has missed a deadline, and hangs no more than we do. */
export function isStarved(state: CoreState, digest: string, nowMs: number): boolean {
  return (waitingPct(state, digest, nowMs) ?? 0) >= STARVED_PCT;
}

/** A starved shadow that has not answered for long shows nothing, and one that hangs as well would never be found. */
export function judgeStarved(state: CoreState, { digest }: ReleaseRef, nowMs: number): Breach | null {
  const { answeredAtMs } = trackOf(state.tracks, digest);
  const loadedAtMs = state.holdings.get(digest)?.loadedAtMs ?? nowMs;
  const silentMs = nowMs - Math.max(answeredAtMs ?? 0, loadedAtMs, state.tracks.resumedAtMs ?? 0);
  if (silentMs < STARVED_FOR_MS) return null;
  const waited = waitingPct(state, digest, nowMs)?.toFixed(0);
  const reason = `the machine has no time for it: it stood in line for a processor for ${waited} % of its time ≥ ${STARVED_PCT} %, without an answer for ${minutes(silentMs)}`;
  return suspending('starved', reason, false);
}

/** `othersPct`: processor time of programs that are not ours, % of all cores; null: not known. */
export function foldOthers(tracks: LimitTracks, othersPct: number | null, sensors: Sensors | null, nowMs: number) {
  const { machine, trialSinceMs } = tracks;
  if (othersPct === null) return tracks;
  const now = blend(machine.othersPct, othersPct, NOW_WEIGHT);
  const habit = trialSinceMs === null ? blend(machine.othersHabitPct, othersPct, HABIT_WEIGHT) : machine.othersHabitPct;
  const isNeighbour = trialSinceMs !== null && now >= (habit ?? 0) + NEIGHBOUR_PCT && isLoaded(sensors);
  const busyUntilMs = isNeighbour ? nowMs + BUSY_AFTER_MS : machine.busyUntilMs;
  return { ...tracks, machine: { ...machine, othersPct: now, othersHabitPct: habit, busyUntilMs } };
}

/** At every tick. */
export function trackThrottling(state: CoreState, isTrial: boolean, nowMs: number): MachineTrack {
  const { machine } = state.tracks;
  if (state.sensors?.throttled === true) {
    const isNew = machine.throttledSinceMs === null;
    const throttledSinceMs = machine.throttledSinceMs ?? nowMs;
    // What a release on trial has begun does not become the baseline's when that answers again.
    const throttledByTrial = isNew ? isTrial : machine.throttledByTrial;
    const throttledAloneAtMs = isTrial || throttledByTrial ? machine.throttledAloneAtMs : nowMs;
    return { ...machine, throttledSinceMs, throttledByTrial, throttledAtMs: nowMs, throttledAloneAtMs };
  }
  const isGone = machine.throttledAtMs === null || nowMs - machine.throttledAtMs >= THROTTLE_GONE_AFTER_MS;
  return isGone ? { ...machine, throttledSinceMs: null } : machine;
}

export function judgeThrottling(state: CoreState, nowMs: number): Breach | null {
  const { throttleForMs } = limitsOf(state);
  const { machine, trialSinceMs } = state.tracks;
  const { throttledSinceMs: since, throttledAloneAtMs: alone } = machine;
  if (throttleForMs === null || since === null || trialSinceMs === null || nowMs - since < throttleForMs) return null;
  // Throttled while the baseline answered too: whoever answers is slowed down, and going back would not help.
  if (since < trialSinceMs || (alone !== null && trialSinceMs - alone < THROTTLED_BEFORE_MS)) return null;
  const why = state.sensors?.throttleReasons?.join(', ') ?? '';
  const source = why === '' ? '' : ` (${why})`;
  const after = seconds(since - trialSinceMs);
  const reason = `throttled${source} for ${seconds(nowMs - since)} > limit ${seconds(throttleForMs)}, from ${after} after it came and not before`;
  return suspending('throttling', reason, !wasBusySince(state.tracks, since));
}

/** Slow because of the machine, not because of a release. */
export function isSlow(tracks: LimitTracks, nowMs: number): boolean {
  return tracks.machine.throttledSinceMs !== null || isBusy(tracks, nowMs);
}

/** A neighbour takes the processor. */
export function isBusy(tracks: LimitTracks, nowMs: number): boolean {
  return tracks.machine.busyUntilMs !== null && nowMs < tracks.machine.busyUntilMs;
}

/** A neighbour has taken the processor at that time or after it: heat and throttling may be its doing. */
export function wasBusySince(tracks: LimitTracks, sinceMs: number): boolean {
  return tracks.machine.busyUntilMs !== null && tracks.machine.busyUntilMs > sinceMs;
}

function isLoaded(sensors: Sensors | null): boolean {
  const pressure = sensors?.cpuPressurePct ?? null;
  if (pressure !== null) return pressure >= PRESSED_PCT;
  return (sensors?.cpuLoadPct ?? 0) >= LOADED_PCT;
}

function blend(before: number | null, value: number, weight: number): number {
  return before === null ? value : before + weight * (value - before);
}
