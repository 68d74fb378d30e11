// Windows of a device thinned for a picture: sums and extremes, and nothing hidden.
import { describe, expect, it } from 'vitest';
import { DeviceSeries, type SeriesWindow } from '../../../control-plane/core/device-series.ts';
import { encodeSketch, sketchOf } from '../../../shared/measure/latency-sketch.ts';

const RANGE = { fromMs: 0, toMs: 1_000_000, pointsMax: 10 };

type Part = Partial<SeriesWindow['sensors']> & {
  readonly release?: string;
  readonly role?: 'baseline' | 'candidate' | 'shadow';
  readonly ms?: readonly number[];
  readonly answered?: number;
};

function buildWindow(startAtMs: number, part: Part = {}): SeriesWindow {
  const { release = 'det:1.0.0+data=x', role = 'baseline', ms = [20], answered = 10, ...sensors } = part;
  const latencyMs = encodeSketch(sketchOf(ms));
  return {
    startAtMs,
    endAtMs: startAtMs + 1000,
    arms: [{ release, role, answered, activeMs: 1000, errors: { nan: 1 }, latencyMs }],
    sensors: { temperatureC: null, throttled: null, batteryPct: null, ...sensors },
  };
}

function seriesOf(windows: readonly SeriesWindow[]) {
  const series = new DeviceSeries(RANGE);
  for (const window of windows) series.add(window);
  return series.finish();
}

describe('DeviceSeries', () => {
  it('never has more points than asked for, and counts every window', () => {
    const windows = Array.from({ length: 1000 }, (_, index) => buildWindow(index * 1000));
    const { points, windows: read } = seriesOf(windows);
    expect(points).toHaveLength(10);
    expect(read).toBe(1000);
    expect(points.reduce((sum, point) => sum + point.windows, 0)).toBe(1000);
    expect(points[0]).toMatchObject({ windows: 100, fps: 10, errors: 100, role: 'baseline', atMs: 100_000 });
  });

  it('keeps the peak: the highest temperature, the lowest charge, and slow frames in the quantile', () => {
    const hot = buildWindow(2000, { temperatureC: 97, batteryPct: 11, throttled: true, ms: [900, 900] });
    const calm = buildWindow(1000, { temperatureC: 60, batteryPct: 80, throttled: false, ms: [20] });
    const [point] = seriesOf([calm, hot, buildWindow(3000, { ms: [20], temperatureC: 61 })]).points;
    expect(point).toMatchObject({ temperatureC: 97, batteryPct: 11, throttled: true });
    expect(point?.p95Ms).toBeGreaterThan(880);
  });

  it('says null where nothing was measured, never 0', () => {
    const [point] = seriesOf([{ ...buildWindow(0), arms: [] }]).points;
    expect(point).toMatchObject({ fps: null, p95Ms: null, release: null, role: null, temperatureC: null });
  });

  it('keeps a shadow apart from what answers', () => {
    const [live] = buildWindow(0, { ms: [20] }).arms;
    const [shadow] = buildWindow(0, { ms: [70], role: 'shadow', release: 'det:2.0.0+data=x' }).arms;
    const { points, changes } = seriesOf([{ ...buildWindow(0), arms: [live!, shadow!] }]);
    expect(points[0]).toMatchObject({ fps: 10, release: 'det:1.0.0+data=x' });
    expect(points[0]?.p95Ms).toBeCloseTo(20, 0);
    expect(points[0]?.shadowP95Ms).toBeCloseTo(70, 0);
    expect(changes).toHaveLength(1);
  });

  it('marks each change of what answers at the window in which it began', () => {
    const next = { release: 'det:2.0.0+data=x', role: 'candidate' } as const;
    const { changes } = seriesOf([buildWindow(0), buildWindow(5000, next), buildWindow(6000, next), buildWindow(9000)]);
    expect(changes.map(({ atMs, role }) => [atMs, role])).toEqual([
      [0, 'baseline'],
      [5000, 'candidate'],
      [9000, 'baseline'],
    ]);
  });
});
