// Values of a device beyond speed and errors: what windows say, on the scale of the limit, and nothing where they say nothing.
import { describe, expect, it } from 'vitest';
import { measure } from '../../../control-plane/core/device-metrics.ts';
import { totalsOf } from '../../../control-plane/core/device-totals.ts';
import { scaleOf } from '../../../control-plane/core/guardrails.ts';
import type { Sample } from '../../../control-plane/core/history.ts';
import { type ProxyMetric, proxyValue } from '../../../control-plane/core/proxy-metrics.ts';
import type { Arm, Sensors } from '../../../shared/measure/window.ts';
import { armOf, guardrailOf, START_MS, windowOf } from './builders.ts';

type Change = {
  readonly sensors?: Partial<Sensors>;
  readonly proxies?: Partial<Arm['proxies']>;
  readonly rssBytes?: number;
};

function samplesOf(...changes: readonly Change[]): readonly Sample[] {
  return changes.map(({ sensors = {}, proxies = {}, rssBytes = null }, at) => {
    const arm = armOf({ frames: 100 });
    const changed = { ...arm, rssBytes, proxies: { ...arm.proxies, ...proxies } };
    const window = windowOf({ seq: at + 1, startAtMs: START_MS, arms: [changed] });
    return { window: { ...window, sensors: { ...window.sensors, ...sensors } }, arm: changed };
  });
}

/** In the unit in which people read it. */
function shown(expr: string, samples: readonly Sample[]): number | null {
  const { expression } = guardrailOf(expr);
  const value = proxyValue(totalsOf(samples), expression.metric as ProxyMetric, expression);
  expect(measure(totalsOf(samples), expression) === null).toBe(value === null);
  return value === null ? null : Number(scaleOf(expression).show(value.value).toPrecision(6));
}

/** By how many per cent it changes between two spans. */
function changed(expr: string, before: readonly Sample[], since: readonly Sample[]): number {
  const { expression } = guardrailOf(expr);
  const at = (samples: readonly Sample[]) =>
    proxyValue(totalsOf(samples), expression.metric as ProxyMetric, expression)?.value ?? Number.NaN;
  return Math.round(scaleOf(expression).show(at(since) - at(before)));
}

describe('proxyValue', () => {
  it('adds windows up before it takes a ratio', () => {
    const sure = samplesOf({ proxies: { detections: 100, scoreSum: 80 } });
    const mixed = samplesOf(
      { proxies: { detections: 300, scoreSum: 240 } },
      { proxies: { detections: 100, scoreSum: 48 } },
    );
    expect(changed('mean(confidence) within baseline +/- 10 %', sure, mixed)).toBe(-10);
    const calm = samplesOf({ proxies: { flickers: 100, trackFrames: 10_000 } });
    const restless = samplesOf(
      { proxies: { flickers: 300, trackFrames: 10_000 } },
      { proxies: { flickers: 0, trackFrames: 10_000 } },
    );
    expect(changed('rate(flicker, tracks) <= baseline * 1.25', calm, restless)).toBe(50);
    const full = samplesOf({ proxies: { emptyFrames: 10 } });
    const empty = samplesOf({ proxies: { emptyFrames: 40 } });
    expect(changed('rate(empty, frames) <= baseline * 1.5', full, empty)).toBe(286);
  });

  it('reads sensors in the units of the limit', () => {
    expect(
      shown('mean(battery_pct) >= 30 %', samplesOf({ sensors: { batteryPct: 80 } }, { sensors: { batteryPct: 70 } })),
    ).toBe(75);
    expect(shown('mean(cpu_load_pct) <= 90 %', samplesOf({ sensors: { cpuLoadPct: 42 } }))).toBe(42);
    expect(shown('mean(power_w) <= 12 W', samplesOf({ sensors: { powerMilliwatts: 7500 } }))).toBe(7.5);
    expect(shown('mean(rss_mb) <= 900 MB', samplesOf({ rssBytes: 640_000_000 }))).toBe(640);
  });

  it('takes the slope of the battery only while it discharges', () => {
    const slope = 'slope(battery_pct, 1h) >= baseline - 2 pt';
    const { expression } = guardrailOf(slope);
    const samples = samplesOf(
      { sensors: { batteryPctPerHour: -6, batteryCharging: false, batteryPct: 60 } },
      { sensors: { batteryPctPerHour: 20, batteryCharging: true, batteryPct: 61 } },
      { sensors: { batteryPctPerHour: -8, batteryCharging: false, batteryPct: 59 } },
    );
    expect(proxyValue(totalsOf(samples), 'battery_pct', expression)).toEqual({ value: -7, count: 2 });
    expect(shown('mean(battery_pct) >= 30 %', samples)).toBe(60);
  });

  it.each([
    ['mean(confidence) within baseline +/- 10 %', { proxies: { detections: 0, scoreSum: 0 } }],
    ['rate(flicker, tracks) <= baseline * 1.25', { proxies: { trackFrames: 0 } }],
    ['slope(battery_pct, 1h) >= baseline - 2 pt', { sensors: { batteryCharging: true, batteryPctPerHour: 3 } }],
    ['mean(battery_pct) >= 30 %', {}],
    ['mean(cpu_load_pct) <= 90 %', {}],
    ['mean(power_w) <= 12 W', {}],
    ['mean(rss_mb) <= 900 MB', {}],
  ])('says nothing where there is no evidence: %s', (expr, change) => {
    expect(shown(expr, samplesOf(change))).toBeNull();
  });
});
