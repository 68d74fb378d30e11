// When a rollout may grow: windows and freezes by the clocks of its sites, through both changes of the clocks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedNow } from '../../../control-plane/core/schedule.ts';
import {
  dayNumber,
  type ScheduleSection,
  scheduleSchema,
  weekdayOf,
} from '../../../shared/rollout/schedule-section.ts';

const schedule = (input: object): ScheduleSection => scheduleSchema.parse({ tz: 'Europe/Berlin', ...input });
const at = (text: string) => Date.parse(text);
const opens = (section: ScheduleSection, now: string, sites = ['plant-a']) => {
  const closed = closedNow(section, sites, at(now));
  return closed === null
    ? 'open'
    : closed.opensAtMs === null
      ? 'never'
      : new Date(closed.opensAtMs).toISOString().slice(0, 16);
};

describe('closedNow', () => {
  const weekdays = schedule({ windows: ['mon-thu 06:30-16:00'] });

  it.each([
    // 2026-11-23 is a Monday; Berlin is one hour ahead of UTC in winter.
    ['before it opens', '2026-11-23T05:29Z', '2026-11-23T05:30'],
    ['at its first minute', '2026-11-23T05:30Z', 'open'],
    ['at its last minute', '2026-11-23T14:59Z', 'open'],
    ['when it has closed', '2026-11-23T15:00Z', '2026-11-24T05:30'],
    ['over the weekend', '2026-11-27T08:00Z', '2026-11-30T05:30'],
    ['in summer, two hours ahead', '2026-07-06T04:29Z', '2026-07-06T04:30'],
  ])('knows a window %s', (_name, now, expected) => {
    expect(opens(weekdays, now)).toBe(expected);
  });

  it('says what it waits for, where, and how long', () => {
    expect(closedNow(weekdays, ['plant-a'], at('2026-11-23T00:30Z'))?.reason).toBe(
      'waits for the window mon-thu 06:30–16:00 Europe/Berlin, opens in 5h',
    );
    const frozen = schedule({ windows: ['daily 06:00-14:00'], freeze: ['2026-12-20/2027-01-03'] });
    expect(closedNow(frozen, ['plant-a'], at('2026-12-31T12:00Z'))?.reason).toBe(
      'waits for the end of the freeze 2026-12-20/2027-01-03 Europe/Berlin, opens in 3d 17h',
    );
  });

  it('freezes whole days of the site, first and last included', () => {
    const frozen = schedule({ freeze: ['2026-12-20/2027-01-03', '2026-05-01'] });
    expect(opens(frozen, '2026-12-19T22:59Z')).toBe('open');
    expect(opens(frozen, '2026-12-19T23:00Z')).toBe('2027-01-03T23:00');
    expect(opens(frozen, '2027-01-03T22:59Z')).toBe('2027-01-03T23:00');
    expect(opens(frozen, '2027-01-03T23:00Z')).toBe('open');
    expect(opens(frozen, '2026-05-01T10:00Z')).toBe('2026-05-01T22:00');
  });

  it('lets a window go on after midnight, into a day that it does not name', () => {
    const night = schedule({ windows: ['fri 22:00-05:00'] });
    expect(opens(night, '2026-11-27T21:30Z')).toBe('open');
    expect(opens(night, '2026-11-28T03:59Z')).toBe('open');
    expect(opens(night, '2026-11-28T04:00Z')).toBe('2026-12-04T21:00');
  });

  it('follows the clocks when they are set forward: a window in the missing hour opens where it would have been', () => {
    // 2026-03-29, 02:00 → 03:00 in Berlin.
    const missing = schedule({ windows: ['sun 02:30-04:00'] });
    expect(opens(missing, '2026-03-29T00:00Z')).toBe('2026-03-29T01:00');
    expect(opens(missing, '2026-03-29T01:00Z')).toBe('open');
    expect(opens(missing, '2026-03-29T02:00Z')).toBe('2026-04-05T00:30');
    expect(opens(schedule({ windows: ['mon 06:30-16:00'] }), '2026-03-28T12:00Z')).toBe('2026-03-30T04:30');
  });

  it('follows the clocks when they are set back: an hour that comes twice is open twice', () => {
    // 2026-10-25, 03:00 → 02:00 in Berlin.
    const twice = schedule({ windows: ['sun 02:00-02:30'] });
    expect(opens(twice, '2026-10-24T23:59Z')).toBe('2026-10-25T00:00');
    expect(opens(twice, '2026-10-25T00:15Z')).toBe('open');
    expect(opens(twice, '2026-10-25T01:15Z')).toBe('open');
    expect(opens(schedule({ windows: ['mon 06:30-16:00'] }), '2026-10-24T12:00Z')).toBe('2026-10-26T05:30');
  });

  it('asks each site by its own clock, and waits until all are open', () => {
    const sites = { 'plant-a': 'Europe/Berlin', 'plant-b': 'America/New_York', 'plant-c': 'Asia/Tokyo' };
    const each = schedule({ tz: 'factory', sites, windows: ['mon-fri 06:00-18:00'] });
    expect(opens(each, '2026-11-23T08:00Z', ['plant-a'])).toBe('open');
    expect(opens(each, '2026-11-23T08:00Z', ['plant-a', 'plant-b'])).toBe('2026-11-23T11:00');
    expect(closedNow(each, ['plant-a', 'plant-b'], at('2026-11-23T08:00Z'))?.reason).toContain('New_York (plant-b)');
    const day = schedule({ tz: 'factory', sites, windows: ['mon-fri 09:00-15:00'] });
    expect(opens(day, '2026-11-23T08:00Z', ['plant-a', 'plant-c'])).toBe('never');
    expect(closedNow(day, ['plant-a', 'plant-c'], at('2026-11-23T08:00Z'))?.reason).toContain('never opens for all');
    expect(closedNow(each, ['plant-z'], at('2026-11-23T08:00Z'))?.reason).toContain('no time zone for plant-z');
  });

  it('is always open without a schedule', () => {
    expect(closedNow(null, ['plant-a'], 0)).toBeNull();
  });

  it('opens at the first minute that is open, found by asking every minute of a week', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'];
    const windows = ['mon-thu 06:30-16:00', 'sun 01:45-03:15', 'sat 23:30-01:10', 'fri,wed 12:00-12:01'];
    const anySchedule = fc.record({
      tz: fc.constantFrom(...zones),
      windows: fc.subarray(windows, { minLength: 1 }),
      freeze: fc.constantFrom([], ['2026-03-30'], ['2026-10-20/2026-10-25']),
    });
    // Weeks around the changes of clocks in 2026.
    const anyNow = fc.tuple(fc.constantFrom('2026-03-27', '2026-10-23', '2026-10-02', '2026-04-03'), fc.nat(4 * 1440));
    fc.assert(
      fc.property(anySchedule, anyNow, (input, [day, minute]) => {
        const section = schedule(input);
        const nowMs = at(`${day}T00:00Z`) + minute * 60_000;
        const closed = closedNow(section, ['plant-a'], nowMs);
        if (closed === null) return;
        if (closed.opensAtMs === null) throw new Error(closed.reason);
        expect(closedNow(section, ['plant-a'], closed.opensAtMs)).toBeNull();
        const checked = Math.min(closed.opensAtMs - 60_000, nowMs + 600 * 60_000);
        for (let ms = nowMs; ms <= checked; ms += 60_000 * 7)
          expect(closedNow(section, ['plant-a'], ms)?.opensAtMs).toBe(closed.opensAtMs);
        expect(closedNow(section, ['plant-a'], closed.opensAtMs - 60_000)).not.toBeNull();
      }),
      { numRuns: 20, seed: 4 },
    );
  });
});

describe('the schedule section', () => {
  it('numbers days as calendars do', () => {
    for (const day of ['1970-01-01', '2000-02-29', '2026-11-21', '2100-03-01', '1969-12-31']) {
      const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
      expect(dayNumber(year, month, date)).toBe(at(`${day}T00:00Z`) / 86_400_000);
      expect(weekdayOf(dayNumber(year, month, date))).toBe(new Date(`${day}T00:00Z`).getUTCDay());
    }
  });

  it.each([
    ['windows', 'mon 6:30-16:00'],
    ['windows', 'mon 06:30-06:30'],
    ['windows', 'mon 06:60-08:00'],
    ['windows', 'mon 06:00-24:01'],
    ['windows', 'mond 06:00-08:00'],
    ['windows', 'mon-tue-wed 06:00-08:00'],
    ['freeze', '2026-02-29'],
    ['freeze', '2026-13-01'],
    ['freeze', '2027-01-03/2026-12-20'],
    ['freeze', '2026-12-20/2026-12-22/2026-12-24'],
  ])('refuses in %s: %s', (field, text) => {
    expect(scheduleSchema.safeParse({ tz: 'UTC', [field]: [text] }).success).toBe(false);
  });

  it('refuses a time zone that does not exist', () => {
    expect(scheduleSchema.safeParse({ tz: 'Europe/Berlim' }).success).toBe(false);
    expect(scheduleSchema.safeParse({ tz: 'factory', sites: { 'plant-a': 'Mars/Olympus' } }).success).toBe(false);
  });

  it('reads days as ranges, lists, over the end of the week, and all of them', () => {
    const days = (text: string) => schedule({ windows: [`${text} 06:00-24:00`] }).windows[0]?.days;
    expect(days('mon-thu')).toEqual([1, 2, 3, 4]);
    expect(days('sat-mon')).toEqual([0, 1, 6]);
    expect(days('mon,wed,fri-sat')).toEqual([1, 3, 5, 6]);
    expect(days('daily')).toHaveLength(7);
  });
});
