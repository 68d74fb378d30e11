// One number per device and metric, on the scale on which devices are compared: logarithms for what multiplies, plain values for the rest.
import type { Expression } from '../../shared/rollout/expression.ts';
import { type Totals, totalsOf } from './device-totals.ts';
import type { Sample } from './history.ts';
import { proxyValue } from './proxy-metrics.ts';

/** On the comparison scale; null when these windows say nothing about the metric. */
export function measure(totals: Totals, expression: Expression): number | null {
  return scaleValue(totals, expression);
}

/** The same seen by each window that says something. */
export function measureWindows(samples: readonly Sample[], expression: Expression): readonly number[] {
  return samples.map((sample) => measure(totalsOf([sample]), expression)).filter((value) => value !== null);
}

/** What a device does since its switch minus what it did before; null when one of the two says nothing. */
export function measureChange(since: Totals, before: Totals, expression: Expression): number | null {
  if (expression.metric === 'errors' || expression.metric === 'dropped')
    return rateChange(countRate(since, expression.metric), countRate(before, expression.metric));
  const [now, past] = [scaleValue(since, expression), scaleValue(before, expression)];
  return now === null || past === null ? null : now - past;
}

/**
 * Log ratio of two rates, log((e + 0.5) / frames). The longer span is brought to the length of the shorter one first: half an
 * event more weighs much in few frames and little in many, and would look like a change.
 */
function rateChange(since: Hits, before: Hits): number | null {
  if (since.total === 0 || before.total === 0) return null;
  const frames = Math.min(since.total, before.total);
  const expected = ({ hits, total: of }: Hits) => Math.log((hits * frames) / of + 0.5);
  return expected(since) - expected(before);
}

function scaleValue(totals: Totals, expression: Expression): number | null {
  switch (expression.metric) {
    case 'latency_ms':
      return latency(totals, 'latency', expression);
    case 'run_ms':
      return latency(totals, 'run', expression);
    case 'fps':
      return framesPerSecond(totals);
    case 'soc_temp_c':
      return temperature(totals);
    case 'detections_per_frame':
      return logRate(detections(totals, expression.class), totals.answered);
    case 'errors':
    case 'dropped': {
      const { hits, total } = countRate(totals, expression.metric);
      return logRate(hits, total);
    }
    case 'confidence':
    case 'flicker':
    case 'empty':
    case 'battery_pct':
    case 'cpu_load_pct':
    case 'power_w':
    case 'rss_mb':
      return proxyValue(totals, expression.metric, expression)?.value ?? null;
    case 'lost':
    case 'gained':
    case 'wrong_class':
    case 'border_share':
    case 'recall':
    case 'precision':
    case 'map50':
    case 'incidents':
      return null;
  }
}

export type Hits = { readonly hits: number; readonly total: number };

/** Errors per frame given to the model, or frames dropped per frame captured. */
export function countRate(totals: Totals, metric: 'errors' | 'dropped'): Hits {
  if (metric === 'errors') return { hits: totals.errors, total: totals.frames };
  return { hits: totals.dropped, total: totals.captured };
}

function latency(totals: Totals, of: 'latency' | 'run', { aggregate }: Expression): number | null {
  const value = totals.quantile(of, aggregate === 'p50' ? 0.5 : aggregate === 'p99' ? 0.99 : 0.95);
  return value === null || value <= 0 ? null : Math.log(value);
}

function framesPerSecond({ answered, activeMs }: Totals): number | null {
  if (activeMs <= 0) return null;
  // Half a frame instead of none: a device that answers nothing is infinitely slower, and a logarithm needs a number.
  return Math.log((Math.max(answered, 0.5) * 1000) / activeMs);
}

function temperature({ means: { temperatureC } }: Totals): number | null {
  return temperatureC.count === 0 ? null : temperatureC.sum / temperatureC.count;
}

function logRate(hits: number, frames: number): number | null {
  return frames > 0 ? Math.log((hits + 0.5) / frames) : null;
}

function detections(totals: Totals, label: string | null): number {
  return label === null ? totals.detections : (totals.byClass[label] ?? 0);
}

export function sum<T>(items: readonly T[], valueOfItem: (item: T, at: number) => number): number {
  return items.reduce((running, item, at) => running + valueOfItem(item, at), 0);
}

/** 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values, (value) => value) / values.length;
}
