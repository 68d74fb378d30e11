// Values of a device beyond speed and errors: how sure its answers are, whether they flicker, what it draws. On the scale on
// which devices are compared, as in device-metrics.ts. They say "different" more often than "worse": the limit decides.
import type { Expression } from '../../shared/rollout/expression.ts';
import type { MetricName } from '../../shared/rollout/metrics.ts';
import type { Mean, Totals } from './device-totals.ts';

export type ProxyMetric = Extract<
  MetricName,
  'confidence' | 'flicker' | 'empty' | 'battery_pct' | 'cpu_load_pct' | 'power_w' | 'rss_mb'
>;

type Value = { readonly value: number; readonly count: number };

/** Null when no window says anything: a sensor that is not there is no evidence, and never a pass. */
export function proxyValue(totals: Totals, metric: ProxyMetric, { aggregate }: Expression): Value | null {
  const { means, detections, scoreSum } = totals;
  switch (metric) {
    case 'confidence':
      return detections === 0 ? null : logOf({ value: scoreSum / detections, count: detections });
    case 'flicker':
      return logRate(totals.flickers, totals.trackFrames);
    case 'empty':
      return logRate(totals.emptyFrames, totals.answered);
    case 'battery_pct':
      return meanOf(aggregate === 'slope' ? means.batteryPctPerHour : means.batteryPct);
    case 'cpu_load_pct':
      return meanOf(means.cpuLoadPct);
    case 'power_w':
      return logOf(meanOf(means.powerWatts));
    case 'rss_mb':
      return logOf(meanOf(means.rssMb));
  }
}

function meanOf({ sum, count }: Mean): Value | null {
  return count === 0 ? null : { value: sum / count, count };
}

function logOf(value: Value | null): Value | null {
  return value === null || value.value <= 0 ? null : { ...value, value: Math.log(value.value) };
}

function logRate(hits: number, of: number): Value | null {
  return of > 0 ? { value: Math.log((hits + 0.5) / of), count: of } : null;
}
