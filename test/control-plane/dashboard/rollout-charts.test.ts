// Where things lie in the pictures of a rollout, and what is said of them to those who cannot see them.
import { describe, expect, it } from 'vitest';
import {
  bandOf,
  breachesOf,
  chartOf,
  limitRuns,
  rangeOf,
  rowsOf,
  summaryOf,
} from '../../../control-plane/dashboard/charts/course-data.ts';
import { forestOf, positionOf } from '../../../control-plane/dashboard/charts/forest.ts';
import { axisOf, pairsOf, ticksOf } from '../../../control-plane/dashboard/charts/pairs.ts';
import type { CourseLine, DevicePoint } from '../../../shared/protocol/api-rollout-charts.ts';

type Bar = Parameters<typeof forestOf>[0][number];

const row = (part: Partial<Bar>) => {
  const bar = { guardrail: 'p95', estimate: 4, low: 1, high: 8, limitLow: null, limitHigh: 10, ...part };
  const [found] = forestOf([bar]);
  if (!found) throw new Error('no row');
  return found;
};

describe('the forest plot', () => {
  it('puts no change and the limit of every guardrail in the same place, whatever its unit', () => {
    expect(row({ estimate: 5 }).dot).toBeCloseTo(positionOf(0.5));
    expect(row({ estimate: 0.25, low: 0.1, high: 0.4, limitHigh: 0.5 }).dot).toBeCloseTo(positionOf(0.5));
    expect(row({}).limits).toEqual([positionOf(1)]);
  });

  it('turns a limit from below around: further right is always worse', () => {
    const floor = row({ estimate: -4, low: -6, high: -2, limitLow: -5, limitHigh: null });
    expect(floor.dot).toBeCloseTo(positionOf(0.8));
    expect([floor.low, floor.high]).toEqual([positionOf(0.4), positionOf(1.2)]);
    const plain = row({ estimate: 16, low: 10, high: 20, limitLow: 8, limitHigh: null });
    expect(plain.dot).toBeCloseTo(positionOf(0.5));
  });

  it('is past a limit only with the whole bar', () => {
    expect(row({}).stands).toBe('inside');
    expect(row({ estimate: 12, low: 8, high: 16 }).stands).toBe('across');
    expect(row({ estimate: 14, low: 10.1, high: 19 }).stands).toBe('past');
    const both = { limitLow: -15, limitHigh: 15 };
    expect(row({ ...both, estimate: -20, low: -25, high: -16 }).stands).toBe('past');
    expect(row({ ...both, estimate: -14, low: -20, high: -8 }).stands).toBe('across');
    expect(row(both).limits).toEqual([positionOf(-1), positionOf(1)]);
  });

  it('cuts off what lies far out, and says so', () => {
    expect(row({ estimate: 40, low: 5, high: 90 })).toMatchObject({
      dot: 1,
      high: 1,
      isCutHigh: true,
      isCutLow: false,
    });
    expect(row({ estimate: null, low: null, high: null })).toMatchObject({ dot: null, stands: 'unknown' });
    expect(row({ estimate: 0, low: 0, high: 0, limitHigh: 0 })).toMatchObject({ stands: 'inside', dot: positionOf(0) });
    expect(row({ estimate: 2, low: 2, high: 2, limitHigh: 0 })).toMatchObject({ stands: 'past', dot: positionOf(2) });
  });
});

describe('the device plot', () => {
  const point = (device: string, value: number, part: Partial<DevicePoint> = {}): DevicePoint => {
    return { site: 'fab-1', device, hardwareClass: 'orin', arm: 'candidate', value, ...part };
  };
  const plot = (points: readonly DevicePoint[], control: number | null = 0) =>
    pairsOf({
      points,
      unit: '%',
      shows: 'change',
      limitLow: null,
      limitHigh: 10,
      control: control === null ? null : { devices: 1, mean: control },
    });

  it('has a lane for each site and hardware, with a shape and a colour of its own', () => {
    const { lanes } = plot([point('a', 1), point('b', 2, { hardwareClass: 'x86' }), point('c', 3, { site: 'fab-2' })]);
    expect(lanes.map(({ name }) => name)).toEqual(['fab-1 · orin', 'fab-1 · x86', 'fab-2 · orin']);
    expect(new Set(lanes.map(({ shape }) => shape)).size).toBe(3);
    expect(lanes[0]?.dots[0]?.point.device).toBe('a');
  });

  it('draws the limit beside what the controls did', () => {
    expect(plot([point('a', 12)]).limits[0]?.value).toBeCloseTo(10);
    expect(plot([point('a', 12)], 5).limits[0]?.value).toBeCloseTo(15.5);
    expect(plot([point('a', 12)], null).limits[0]?.value).toBe(10);
  });

  it('keeps one wild device from squeezing the rest, and marks it', () => {
    const calm = Array.from({ length: 30 }, (_, at) => point(`d${at}`, at / 10));
    const dots = plot([...calm, point('wild', 900)]).lanes[0]?.dots ?? [];
    const wild = dots.find((dot) => dot.point.device === 'wild');
    expect(wild).toMatchObject({ x: 1, isCutOff: true });
    expect(dots.filter(({ isCutOff }) => isCutOff)).toHaveLength(1);
  });

  it('puts the places beyond the tenth into one lane', () => {
    const many = Array.from({ length: 14 }, (_, at) => point(`d${at}`, 1, { site: `fab-${10 + at}` }));
    const { lanes } = plot(many);
    expect(lanes).toHaveLength(10);
    expect(lanes.at(-1)).toMatchObject({ name: 'other places' });
    expect(lanes.at(-1)?.dots).toHaveLength(5);
  });

  it('has an axis and round ticks also for a single value', () => {
    const { low, high } = axisOf([3], []);
    expect(low).toBeLessThan(high);
    expect(ticksOf(-3, 12)).toEqual([0, 5, 10]);
    expect(ticksOf(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });
});

describe('the course', () => {
  const line = (part: Partial<CourseLine> = {}): CourseLine => ({
    guardrail: 'p95',
    verdict: ['no-data', 'pass', 'breach', 'breach'],
    estimate: [null, 2, 12, 14],
    low: [null, -400, 9, 11],
    high: [null, 600, 15, 17],
    limitLow: [null, null, null, null],
    limitHigh: [10, 10, 10, 10],
    n: [0, 4, 6, 6],
    ...part,
  });
  const atMs = [0, 60_000, 120_000, 180_000];
  const show = (value: number) => `${value} %`;

  it('shades from the first moment of a breach to the first one without', () => {
    expect(breachesOf(atMs, line().verdict)).toEqual([{ fromMs: 120_000, toMs: 180_000 }]);
    expect(breachesOf(atMs, ['breach', 'pass', 'breach', 'pass'])).toHaveLength(2);
    expect(breachesOf(atMs, ['pass', null, 'pass', 'pass'])).toEqual([]);
  });

  it('draws a limit as long as it held, and another one beside it', () => {
    expect(limitRuns(atMs, [10, 10, 10, 10])).toEqual([{ fromMs: 0, toMs: 180_000, value: 10 }]);
    expect(limitRuns(atMs, [10, 10, 8, 8])).toEqual([
      { fromMs: 0, toMs: 120_000, value: 10 },
      { fromMs: 120_000, toMs: 180_000, value: 8 },
    ]);
    expect(limitRuns(atMs, [null, 10, null, 10]).map(({ fromMs }) => fromMs)).toEqual([60_000, 180_000]);
  });

  it('draws the range of doubt once for a column of pixels, and not where there is none', () => {
    const nothing = atMs.map(() => null);
    const band = (low: (number | null)[]) =>
      bandOf([atMs, nothing, low, [5, 7, 6, 9]], (at) => Math.floor(at / 100_000));
    expect(band([1, 0, 2, 3])).toEqual([
      [
        { x: 0, low: 0, high: 7 },
        { x: 1, low: 2, high: 9 },
      ],
    ]);
    expect(band([1, null, 2, 3]).map((run) => run.length)).toEqual([1, 1]);
  });

  it('shows estimates, limit and no change, and does not stretch for one wild range', () => {
    const [bottom, top] = rangeOf(line());
    expect(bottom).toBeLessThan(0);
    expect(top).toBeGreaterThan(17);
    expect(top - bottom).toBeLessThan(100);
  });

  it('is said in a sentence and in rows', () => {
    const chart = chartOf({ atMs }, line());
    expect(chart && summaryOf('p95 latency', chart, show)).toBe(
      'p95 latency over 2 min: from 2 % to 14 %, between 2 % and 14 %; in breach once.',
    );
    expect(rowsOf({ atMs }, line()).map(({ verdict, n }) => [verdict, n])).toEqual([
      ['breach', 6],
      ['breach', 6],
      ['pass', 4],
      ['no-data', 0],
    ]);
    expect(chartOf({ atMs }, line({ estimate: [null, null, null, null] }))).toBeNull();
  });
});
