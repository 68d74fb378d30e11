// What a strip draws and says: gaps, limits, and the picture in words.
import { describe, expect, it } from 'vitest';
import {
  columnsOf,
  describeStrip,
  figuresOf,
  scaleOf,
  shownRange,
} from '../../../../control-plane/dashboard/charts/strip-columns.ts';

const HOT = { value: 90, bad: 'above', label: '90 °C' } as const;
const points = (...values: (number | null)[]) => values.map((value, index) => ({ atMs: index * 60_000, value }));

describe('columnsOf', () => {
  it('breaks the line where the device was silent', () => {
    const late = [...points(1, 2, 3), { atMs: 3_600_000, value: 4 }];
    expect(columnsOf(late)).toEqual([
      [0, 60, 120, 180, 3600],
      [1, 2, 3, null, 4],
    ]);
  });

  it('keeps what is unknown as a hole', () => {
    expect(columnsOf(points(1, null, 3))[1]).toEqual([1, null, 3]);
  });
});

describe('describeStrip', () => {
  it('says the picture in words, with counts', () => {
    const told = { title: 'Temperature', unit: '°C', limit: HOT };
    expect(describeStrip(told, figuresOf(points(70, 95, 80), HOT))).toBe(
      'Temperature: now 80.0 °C, between 70.0 °C and 95.0 °C; limit 90 °C, passed at 1 of 3 points.',
    );
    expect(describeStrip(told, figuresOf([], HOT))).toBe('Temperature: nothing was reported in this time.');
  });

  it('does not hold a limit against points that it does not speak of', () => {
    const baseline = points(95, 95).map((point) => ({ ...point, isJudged: false }));
    expect(figuresOf(baseline, HOT).beyond).toBe(0);
  });
});

describe('scaleOf', () => {
  it('has a limit in the picture that is near, and leaves out one that would flatten the line', () => {
    expect(scaleOf(figuresOf(points(80, 88), HOT), HOT)[1]).toBeGreaterThan(90);
    expect(scaleOf(figuresOf(points(30, 31), HOT), HOT)[1]).toBeLessThan(40);
  });
});

describe('the time that is drawn', () => {
  const [day, minute] = [86_400_000, 60_000];

  it('begins with the first point where most of the time asked for has none', () => {
    expect(shownRange([0, day], day - 30 * minute)).toEqual([day - 30 * minute, day]);
    expect(shownRange([0, day], day / 4)).toEqual([0, day]);
  });

  it('is never so short that nothing can be read in it', () => {
    expect(shownRange([0, day], day - 1000)).toEqual([day - 5 * minute, day]);
    expect(shownRange([0, day], null)).toEqual([0, day]);
  });
});
