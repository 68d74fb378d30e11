// Whether the evidence of a stage covers the peak of every site: a model that is good at night is not yet good.
import { MINUTES_PER_DAY, type ScheduleSection, weekdayOf, zoneOf } from '../../shared/rollout/schedule-section.ts';
import { readLocalTime } from './schedule.ts';

const MINUTE_MS = 60_000;
/** A peak is covered by days together; what was not seen within two weeks is waited for no longer than it is asked for. */
const DAYS_BACK = 14;

/** In words what is missing; null: all of it was seen, or nothing is asked for. */
export function uncoveredPeak(
  schedule: ScheduleSection | null,
  sites: readonly string[],
  { fromMs, nowMs }: { readonly fromMs: number | null; readonly nowMs: number },
): string | null {
  if (schedule === null || !schedule.coverPeakShift) return null;
  const peak = schedule.peak.length > 0 ? schedule.peak : schedule.windows;
  const zones = [...new Set(sites.map((site) => zoneOf(schedule, site) ?? 'UTC'))];
  for (const zone of zones) {
    const missing = missingMinutes(peak, seenMinutes(zone, fromMs ?? nowMs, nowMs));
    if (missing === null) continue;
    const texts = peak.map(({ text }) => text).join(', ');
    return `the peak (${texts} ${zone}) is not covered yet: nothing was seen at ${clockText(missing)}`;
  }
  return null;
}

type Peak = ScheduleSection['windows'];

/** The first minute of the day of the peak that was not seen on one of its days. */
function missingMinutes(peak: Peak, seen: ReadonlyMap<number, ReadonlySet<number>>): number | null {
  for (const { days, fromMinute, toMinute } of peak) {
    const length = (toMinute - fromMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY || MINUTES_PER_DAY;
    for (let step = 0; step < length; step += STEP_MINUTES) {
      const minute = (fromMinute + step) % MINUTES_PER_DAY;
      const isNextDay = fromMinute + step >= MINUTES_PER_DAY;
      const isSeen = days.some((day) => seen.get((day + (isNextDay ? 1 : 0)) % 7)?.has(slotOf(minute)));
      if (!isSeen) return minute;
    }
  }
  return null;
}

/** Quarters of an hour, which every time zone's offset is a whole number of. */
const STEP_MINUTES = 15;

function slotOf(minute: number): number {
  return Math.floor(minute / STEP_MINUTES);
}

/** Weekday → quarters of an hour that lie wholly or nearly in the span, by the clock of the zone. */
function seenMinutes(zone: string, fromMs: number, nowMs: number): ReadonlyMap<number, ReadonlySet<number>> {
  const seen = new Map<number, Set<number>>();
  const stepMs = STEP_MINUTES * MINUTE_MS;
  const firstMs = Math.ceil(Math.max(fromMs, nowMs - DAYS_BACK * MINUTES_PER_DAY * MINUTE_MS) / stepMs) * stepMs;
  const start = readLocalTime(zone, firstMs);
  for (let atMs = firstMs, minute = start.minute; atMs + stepMs <= nowMs; atMs += stepMs, minute += STEP_MINUTES) {
    const day = weekdayOf(start.day + Math.floor(minute / MINUTES_PER_DAY));
    const slots = seen.get(day) ?? new Set();
    slots.add(slotOf(minute % MINUTES_PER_DAY));
    seen.set(day, slots);
  }
  return seen;
}

function clockText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
