// Whether a rollout may grow at a moment, by the clocks of its sites, and when it may next. Growth goes to all sites of a stage at
// once, so it waits until every one of them is open. Breaches, kills and rollbacks never ask here.
import { describeDuration } from '../../shared/rollout/durations.ts';
import {
  dayNumber,
  MINUTES_PER_DAY,
  type ScheduleSection,
  weekdayOf,
  zoneOf,
} from '../../shared/rollout/schedule-section.ts';

export type Closed = {
  /** In words: what it waits for, and how long. */
  readonly reason: string;
  /** When all sites are open; null when that does not happen within the next 400 days. */
  readonly opensAtMs: number | null;
};

const MINUTE_MS = 60_000;
const DAY_MS = MINUTES_PER_DAY * MINUTE_MS;
/** Any two windows of a week and any freeze of a year meet within this, or never. */
const DAYS_AHEAD = 400;
/** Clocks are set forward by an hour, in one place by two. */
const GAP_MINUTES = 180;

/** Null when devices may be added now. */
export function closedNow(schedule: ScheduleSection | null, sites: readonly string[], nowMs: number): Closed | null {
  if (schedule === null) return null;
  const unknown = sites.find((site) => zoneOf(schedule, site) === null);
  if (unknown !== undefined) return { reason: `the schedule has no time zone for ${unknown}`, opensAtMs: null };
  const clocks = clocksOf(schedule, sites);
  const shut = clocks.find((clock) => !isOpen(schedule, clock.read(nowMs)));
  if (shut === undefined) return null;
  const opensAtMs = nextOpening(schedule, clocks, nowMs);
  const when =
    opensAtMs === null
      ? 'and never opens for all of its sites at once'
      : `opens in ${describeDuration(opensAtMs - nowMs)}`;
  return { reason: `waits for ${whatIsAwaited(schedule, shut, nowMs)}, ${when}`, opensAtMs };
}

type LocalTime = { readonly day: number; readonly minute: number };
type Clock = { readonly zone: string; readonly sites: readonly string[]; read(atMs: number): LocalTime };

/** One clock for each time zone. */
function clocksOf(schedule: ScheduleSection, sites: readonly string[]): readonly Clock[] {
  const zones = [...new Set(sites.map((site) => zoneOf(schedule, site) ?? ''))];
  return zones.map((zone) =>
    openClock(zone, schedule.tz === 'factory' ? sites.filter((site) => zoneOf(schedule, site) === zone) : []),
  );
}

/** What a clock of that time zone shows. */
export function readLocalTime(zone: string, atMs: number): LocalTime {
  return openClock(zone, []).read(atMs);
}

function openClock(zone: string, sites: readonly string[]): Clock {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const read = (atMs: number): LocalTime => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return { day: dayNumber(part('year'), part('month'), part('day')), minute: part('hour') * 60 + part('minute') };
  };
  return { zone, sites, read };
}

function isOpen({ windows, freeze }: ScheduleSection, { day, minute }: LocalTime): boolean {
  if (freeze.some(({ fromDay, toDay }) => day >= fromDay && day <= toDay)) return false;
  if (windows.length === 0) return true;
  const [today, yesterday] = [weekdayOf(day), weekdayOf(day - 1)];
  return windows.some(({ days, fromMinute, toMinute }) => {
    if (fromMinute < toMinute) return days.includes(today) && minute >= fromMinute && minute < toMinute;
    return (days.includes(today) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute);
  });
}

function whatIsAwaited({ windows, freeze }: ScheduleSection, clock: Clock, nowMs: number): string {
  const { day } = clock.read(nowMs);
  const frozen = freeze.find(({ fromDay, toDay }) => day >= fromDay && day <= toDay);
  const place = clock.sites.length === 0 ? clock.zone : `${clock.zone} (${clock.sites.join(', ')})`;
  if (frozen) return `the end of the freeze ${frozen.text} ${place}`;
  const texts = windows.map(({ text }) => text.replace(/(\d)\s*-\s*(\d)/g, '$1–$2'));
  return `the window ${texts.join(' or ')} ${place}`;
}

/** A site opens where a window begins, or at the midnight after a freeze; the first of these at which all are open. */
function nextOpening(schedule: ScheduleSection, clocks: readonly Clock[], nowMs: number): number | null {
  const isOpenAt = (atMs: number) => clocks.every((clock) => isOpen(schedule, clock.read(atMs)));
  let best: number | null = null;
  for (let ahead = 0; ahead <= DAYS_AHEAD; ahead += 1) {
    const isLast = best !== null;
    const starts = clocks.flatMap((clock) => startsOn(schedule, clock, clock.read(nowMs).day + ahead));
    for (const atMs of starts.filter((each) => each > nowMs && isOpenAt(each)))
      best = Math.min(
        best ?? atMs,
        backToEdge(atMs, (each) => each > nowMs && isOpenAt(each)),
      );
    // The days of two time zones overlap: the day after may still hold an earlier moment.
    if (isLast) break;
  }
  return best;
}

function startsOn({ windows }: ScheduleSection, clock: Clock, day: number): readonly number[] {
  const minutes = windows.filter(({ days }) => days.includes(weekdayOf(day))).map(({ fromMinute }) => fromMinute);
  return [...new Set([0, ...minutes])].map((minute) => momentOf(clock, { day, minute }));
}

/** The first moment at which the clock shows this; when it is set forward past it, a moment soon after. */
function momentOf(clock: Clock, { day, minute }: LocalTime): number {
  const shownMs = day * DAY_MS + minute * MINUTE_MS;
  const moments = [-DAY_MS, DAY_MS].map((shift) => shownMs - offsetMs(clock, shownMs + shift));
  const exact = moments.filter((atMs) => {
    const local = clock.read(atMs);
    return local.day === day && local.minute === minute;
  });
  return exact.length > 0 ? Math.min(...exact) : Math.max(...moments);
}

function offsetMs(clock: Clock, atMs: number): number {
  const { day, minute } = clock.read(atMs);
  return day * DAY_MS + minute * MINUTE_MS - Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
}

/** Where a clock is set forward into a window, the window opens at that moment and not at the time it names. */
function backToEdge(atMs: number, isOpenAt: (atMs: number) => boolean): number {
  let edge = atMs;
  for (let step = 0; step < GAP_MINUTES && isOpenAt(edge - MINUTE_MS); step += 1) edge -= MINUTE_MS;
  return edge;
}
