// Values of a device beyond speed and errors: how sure its answers are, whether they flicker, what it draws. On the scale on
// which devices are compared, as in device-metrics.ts. They say "different" more often than "worse": the limit decides.
import type { Sensors } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import type { MetricName } from '../../shared/rollout/metrics.ts';
import type { Sample } from './history.ts';

export type ProxyMetric = Extract<
  MetricName,
  'confidence' | 'flicker' | 'empty' | 'battery_pct' | 'cpu_load_pct' | 'power_w' | 'rss_mb'
>;

type Value = { readonly value: number; readonly count: number };

/** Null when no window says anything: a sensor that is not there is no evidence, and never a pass. */
export function proxyValue(samples: readonly Sample[], metric: ProxyMetric, { aggregate }: Expression): Value | null {
  switch (metric) {
    case 'confidence':
      return confidence(samples);
    case 'flicker':
      return logRate(
        total(samples, ({ arm }) => arm.proxies.flickers),
        total(samples, ({ arm }) => arm.proxies.trackFrames),
      );
    case 'empty':
      return logRate(
        total(samples, ({ arm }) => arm.proxies.emptyFrames),
        total(samples, ({ arm }) => arm.answered),
      );
    case 'battery_pct':
      return aggregate === 'slope'
        ? sensorMean(samples, batteryPerHour)
        : sensorMean(samples, ({ batteryPct }) => batteryPct);
    case 'cpu_load_pct':
      return sensorMean(samples, ({ cpuLoadPct }) => cpuLoadPct);
    case 'power_w':
      return logOf(sensorMean(samples, ({ powerMilliwatts }) => powerMilliwatts && powerMilliwatts / 1000));
    case 'rss_mb':
      return logOf(meanOf(samples.map(({ arm }) => arm.rssBytes && arm.rssBytes / 1_000_000)));
  }
}

function confidence(samples: readonly Sample[]): Value | null {
  const detections = total(samples, ({ arm }) => arm.proxies.detections);
  const scores = total(samples, ({ arm }) => arm.proxies.scoreSum);
  return detections === 0 ? null : logOf({ value: scores / detections, count: detections });
}

/** Only while it discharges: a charger says nothing about the model. */
function batteryPerHour({ batteryCharging, batteryPctPerHour }: Sensors): number | null {
  return batteryCharging === true ? null : batteryPctPerHour;
}

function sensorMean(samples: readonly Sample[], read: (sensors: Sensors) => number | null): Value | null {
  return meanOf(samples.map(({ window }) => read(window.sensors)));
}

function meanOf(values: readonly (number | null)[]): Value | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0
    ? null
    : { value: known.reduce((sum, value) => sum + value, 0) / known.length, count: known.length };
}

function logOf(value: Value | null): Value | null {
  return value === null || value.value <= 0 ? null : { ...value, value: Math.log(value.value) };
}

function logRate(hits: number, of: number): Value | null {
  return of > 0 ? { value: Math.log((hits + 0.5) / of), count: of } : null;
}

function total(samples: readonly Sample[], read: (sample: Sample) => number): number {
  return samples.reduce((sum, sample) => sum + read(sample), 0);
}

/**
 * Jensen–Shannon distance of two histograms of confidence, 0..1; null while one of them is empty. Few answers are far from anything:
 * it is read beside what the controls show.
 */
export function confidenceDistance(since: readonly Sample[], before: readonly Sample[]): number | null {
  const [now, past] = [sharesOf(since), sharesOf(before)];
  if (now === null || past === null) return null;
  const middle = now.map((share, bin) => (share + (past[bin] ?? 0)) / 2);
  return (divergence(now, middle) + divergence(past, middle)) / 2;
}

function sharesOf(samples: readonly Sample[]): readonly number[] | null {
  const sums: number[] = [];
  for (const { arm } of samples)
    for (const [bin, count] of (arm.proxies.scoreBins ?? []).entries()) sums[bin] = (sums[bin] ?? 0) + count;
  const all = sums.reduce((sum, count) => sum + count, 0);
  return all === 0 ? null : sums.map((count) => count / all);
}

/** In bits. */
function divergence(from: readonly number[], to: readonly number[]): number {
  return from.reduce((sum, share, bin) => (share > 0 ? sum + share * Math.log2(share / (to[bin] ?? 1)) : sum), 0);
}
