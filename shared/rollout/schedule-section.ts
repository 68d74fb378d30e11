// The `schedule` section of a rollout file: when devices may be added, in the time of their site. Text in, numbers out; what is
// open at a moment is worked out where decisions are taken. Safety never looks here.
import { z } from 'zod';
import { nameSchema } from '../basics/identifiers.ts';

export const MINUTES_PER_DAY = 1440;
const WEEKDAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Days since 1970-01-01 in the calendar that everybody uses; negative before. */
export function dayNumber(year: number, month: number, day: number): number {
  // Years begin in March, so that the leap day is the last one of its year (H. Hinnant's days_from_civil).
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

const windowSchema = z.string().transform((text, context) => {
  const match = /^([a-z]{3,5}(?:[-,][a-z]{3})*)\s+(\d{2}):(\d{2})\s*[-–]\s*(\d{2}):(\d{2})$/.exec(text.trim());
  const days = readDays(match?.[1] ?? '');
  const from = minuteOf(match?.[2], match?.[3]);
  const to = minuteOf(match?.[4], match?.[5]);
  if (days !== null && from !== null && to !== null && from !== to && from < MINUTES_PER_DAY)
    return { text: text.trim(), days, fromMinute: from, toMinute: to };
  context.addIssue({
    code: 'custom',
    message: `must be days and times such as "mon-thu 06:30-16:00", "sat,sun 08:00-12:00" or "daily 22:00-05:00", not "${text}"`,
  });
  return z.NEVER;
});

const freezeSchema = z.string().transform((text, context) => {
  const [from, to = from] = text.trim().split('/').map(readDate);
  if (from != null && to != null && from <= to && text.split('/').length <= 2)
    return { text: text.trim(), fromDay: from, toDay: to };
  context.addIssue({
    code: 'custom',
    message: `must be a day or the first and last one, such as "2026-12-24" or "2026-12-20/2027-01-03", not "${text}"`,
  });
  return z.NEVER;
});

const zoneSchema = z.string().refine(isZone, 'must be a time zone such as "Europe/Berlin"');

export const scheduleSchema = z.strictObject({
  /** `factory`: each site by its own clock, as `sites` says. */
  tz: z
    .string()
    .refine((text) => text === 'factory' || isZone(text), 'must be "factory" or a time zone such as "Europe/Berlin"'),
  sites: z.record(nameSchema, zoneSchema).default({}),
  /** None: at any time, freezes apart. One that ends before it begins goes on after midnight. */
  windows: z.array(windowSchema).max(40).default([]),
  /** Whole days of the site, first and last included. */
  freeze: z.array(freezeSchema).max(100).default([]),
  /** True: no stage that serves is left before its evidence covers the peak of every site. */
  coverPeakShift: z.boolean().default(false),
  /** When the line is busiest; none: the windows themselves. */
  peak: z.array(windowSchema).max(10).default([]),
});

export type ScheduleSection = z.infer<typeof scheduleSchema>;
export type ScheduleWindow = ScheduleSection['windows'][number];
export type Freeze = ScheduleSection['freeze'][number];

/** The time zone of a site; null when the schedule goes by sites and does not know this one. */
export function zoneOf({ tz, sites }: ScheduleSection, site: string): string | null {
  return tz === 'factory' ? (sites[site] ?? null) : tz;
}

/** For people: `mon-thu 06:30-16:00; frozen 2026-12-20/2027-01-03`. */
export function describeSchedule({ windows, freeze }: ScheduleSection): string {
  const open = windows.length === 0 ? 'at any time' : windows.map(({ text }) => text).join(', ');
  return freeze.length === 0 ? open : `${open}; frozen ${freeze.map(({ text }) => text).join(', ')}`;
}

function readDays(text: string): readonly number[] | null {
  if (text === 'daily') return [0, 1, 2, 3, 4, 5, 6];
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [from, to, more] = part.split('-').map((name) => WEEKDAYS.indexOf(name));
    if (from === undefined || from < 0 || to === -1 || more !== undefined) return null;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (to ?? from)) break;
    }
  }
  return [...days].sort();
}

function minuteOf(hours: string | undefined, minutes: string | undefined): number | null {
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= MINUTES_PER_DAY ? total : null;
}

/** Null when there is no such day. */
function readDate(text: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text.trim());
  const [year, month, day] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  if (match === null || month < 1 || month > 12 || day < 1) return null;
  const [nextYear, nextMonth] = month === 12 ? [year + 1, 1] : [year, month + 1];
  const number = dayNumber(year, month, day);
  return number < dayNumber(nextYear, nextMonth, 1) ? number : null;
}

function isZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
