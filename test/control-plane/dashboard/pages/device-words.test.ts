// What the device page says of a device.
import { describe, expect, it } from 'vitest';
import {
  finerAt,
  marksOf,
  rangeOf,
  releaseRows,
  shortRelease,
  stripsOf,
  whyNoLift,
} from '../../../../control-plane/dashboard/pages/device/device-words.ts';
import type { SeriesPoint } from '../../../../shared/protocol/api-device-windows.ts';
import { DEFAULT_LIMITS } from '../../../../shared/protocol/limits.ts';

function point(part: Partial<SeriesPoint>): SeriesPoint {
  return {
    atMs: 0,
    windows: 1,
    fps: null,
    p95Ms: null,
    errors: 0,
    shadowP95Ms: null,
    release: 'det:1.0.0+data=x',
    role: 'baseline',
    temperatureC: null,
    throttled: null,
    batteryPct: null,
    ...part,
  };
}

function windowsOf(...points: SeriesPoint[]) {
  return { fromMs: 0, toMs: 1, windows: points.length, points, changes: [] };
}

describe('stripsOf', () => {
  it('holds a candidate against four times what the own baseline took', () => {
    const windows = windowsOf(point({ p95Ms: 20 }), point({ p95Ms: 90, role: 'candidate' }));
    const latency = stripsOf(windows, DEFAULT_LIMITS).find(({ title }) => title === 'p95 latency');
    expect(latency?.limit).toMatchObject({ value: 80, bad: 'above' });
    expect(latency?.points.map(({ isJudged }) => isJudged)).toEqual([false, true]);
  });

  it('draws no limit where none is in force', () => {
    expect(stripsOf(windowsOf(point({ p95Ms: 20 })), null).map(({ limit }) => limit)).toEqual([null, null, null, null]);
  });
});

describe('marksOf', () => {
  it('marks changes, and not what answered from the beginning', () => {
    const changes = ['1.0.0', '2.0.0'].map((version, atMs) => {
      return { atMs, release: `det:${version}+data=x`, role: atMs === 0 ? 'baseline' : 'candidate' };
    });
    expect(marksOf({ ...windowsOf(), changes })).toEqual([{ atMs: 1, label: '2.0.0 candidate' }]);
  });
});

describe('releaseRows', () => {
  it('says of each release why, and never leaves a hole', () => {
    const rows = releaseRows({ desired: null, reported: null });
    expect(rows.map(({ release }) => release)).toEqual(['none', 'none', 'none', 'none', 'none']);
    expect(rows[2]?.says).toBe('it has not reported');
  });
});

describe('whyNoLift', () => {
  it('says why nothing can be lifted', () => {
    expect(whyNoLift({ reported: null, desired: null })).toBe('Nothing is in quarantine here.');
  });
});

describe('what an address says', () => {
  it('is taken for what it can mean', () => {
    expect([rangeOf('7d'), rangeOf('constructor'), rangeOf(undefined)]).toEqual(['7d', '24h', '24h']);
    expect(shortRelease('det:2.0.0+data=x')).toBe('2.0.0');
  });
});

describe('the time that is read', () => {
  const day = 86_400_000;
  const where = { site: 'plant-a', device: 'cam-1' };

  it('is read again, finer, where most of it has nothing', () => {
    const points = [point({ atMs: day - 600_000 })];
    expect(finerAt(where, { fromMs: 0, toMs: day, points })?.path).toBe(
      '/v1/devices/plant-a/cam-1/windows?from=84900000&to=86400000',
    );
    expect(finerAt(where, { fromMs: 0, toMs: day, points: [point({ atMs: 1000 })] })).toBeNull();
    expect(finerAt(where, { fromMs: 0, toMs: day, points: [] })).toBeNull();
  });
});
