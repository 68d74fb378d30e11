// Which windows of a device's past count. What must be known to choose again for another stage is kept in few bytes, so that the
// windows themselves need not be.
import type { Window } from '../../shared/measure/window.ts';
import {
  carries,
  type DeviceHistory,
  type Hours,
  type Past,
  type Question,
  type Sample,
  sampleOf,
  whyExcluded,
} from './history.ts';

type Parts = Pick<DeviceHistory, 'before' | 'since' | 'baselineDigest'>;

/** Its own past, on the baseline alone. */
export function pastOf(device: Parts, { candidateDigest, liveSinceMs }: Question): readonly Sample[] {
  const { before, since } = device;
  const windows = [...before, ...since.filter(({ endAtMs }) => endAtMs <= liveSinceMs)];
  return usable(windows, device, candidateDigest);
}

/** That of a device that was not there yet: before it first carried the candidate. */
export function beginningOf(device: Parts, { candidateDigest }: Question): readonly Sample[] {
  const first = device.since.find((window) => carries(window, candidateDigest));
  if (!first) return [];
  const windows = device.since.filter(({ endAtMs }) => endAtMs <= first.startAtMs);
  return usable(windows, device, candidateDigest);
}

function usable(windows: readonly Window[], { baselineDigest }: Parts, candidateDigest: string): readonly Sample[] {
  return windows
    .filter((window) => whyExcluded(window) === null && !carries(window, candidateDigest))
    .map((window) => sampleOf(window, baselineDigest, 'baseline'))
    .filter((sample) => sample !== null);
}

/** The hours of the day that the stage runs at, where the past has them, else all of it behind its boot; `none`: that is too short. */
export type Counted = `hours ${number}-${number}` | 'behind boot' | 'none';

const ANY: Past = { minMs: 0, alike: null };

export function countedOf(times: PastTimes, { minMs, alike }: Past = ANY): Counted {
  if (alike !== null) {
    const ms = alikeMs(times, alike);
    if (ms > 0 && ms >= minMs) return `hours ${alike.fromMinute}-${alike.toMinute}`;
  }
  return times.behindBootMs >= minMs ? 'behind boot' : 'none';
}

function alikeMs({ minutes, minutesMs }: PastTimes, hours: Hours): number {
  let sum = 0;
  for (const [at, minute] of minutes.entries()) if (isWithin(minute, hours)) sum += minutesMs[at] ?? 0;
  return sum;
}

export function samplesOf(past: readonly Sample[], counted: Counted, asked: Past = ANY): readonly Sample[] {
  if (counted === 'none') return [];
  const { alike } = asked;
  if (counted === 'behind boot' || alike === null) return behindBoot(past);
  return past.filter(({ window }) => isWithin(minuteOf(window), alike));
}

/** The beginning of what is known of a device may still hold a boot. */
const BOOT_MS = 15 * 60_000;

/** A quarter of an hour is left out for a boot, half of a shorter past. What the rest is unsure of is counted as change. */
function behindBoot(past: readonly Sample[]): readonly Sample[] {
  const bootedAtMs = (past[0]?.window.startAtMs ?? 0) + BOOT_MS;
  return past.filter(({ window }, at) => window.startAtMs >= bootedAtMs || at >= Math.floor(past.length / 2));
}

/** How long a past lasts: behind its boot, and at each minute of the day (UTC) that it has. Two small rows, as devices are many. */
export type PastTimes = {
  readonly behindBootMs: number;
  readonly minutes: Uint16Array;
  readonly minutesMs: Uint32Array;
};

export function timesOf(past: readonly Sample[]): PastTimes {
  const ofMinutes = new Map<number, number>();
  for (const { window } of past) {
    const minute = minuteOf(window);
    ofMinutes.set(minute, (ofMinutes.get(minute) ?? 0) + lengthOf(window));
  }
  const behindBootMs = behindBoot(past).reduce((ms, { window }) => ms + lengthOf(window), 0);
  return {
    behindBootMs,
    minutes: Uint16Array.from(ofMinutes.keys()),
    minutesMs: Uint32Array.from(ofMinutes.values()),
  };
}

function lengthOf({ startAtMs, endAtMs }: Window): number {
  return endAtMs - startAtMs;
}

function minuteOf({ startAtMs, endAtMs }: Window): number {
  return Math.floor((startAtMs + endAtMs) / 2 / 60_000) % 1440;
}

function isWithin(minute: number, { fromMinute, toMinute }: Hours): boolean {
  return fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}
