// One number per device and metric, on the scale on which devices are compared: logarithms for what multiplies, plain values for the rest.
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Sample } from './history.ts';
import { foldedHits, foldedList, foldedQuantile, type Hits } from './window-folds.ts';

export type { Hits };

/** `value` on the comparison scale; `perWindow` the same for each window, for the spread; `count` what it rests on. */
export type Measure = { readonly value: number; readonly perWindow: readonly number[]; readonly count: number };

/** Null when these windows say nothing about the metric. */
export function measure(samples: readonly Sample[], expression: Expression): Measure | null {
  const value = scaleValue(samples, expression);
  if (value === null) return null;
  const { aggregate, metric, class: label } = expression;
  const perWindow = foldedList(
    samples,
    `windows ${aggregate} ${metric} ${label}`,
    (sample) => scaleValue([sample], expression)?.value ?? null,
  );
  return { ...value, perWindow };
}

type Value = { readonly value: number; readonly count: number };

function scaleValue(samples: readonly Sample[], expression: Expression): Value | null {
  switch (expression.metric) {
    case 'latency_ms':
    case 'run_ms':
      return latency(samples, expression);
    case 'fps':
      return framesPerSecond(samples);
    case 'soc_temp_c':
      return temperature(samples);
    case 'detections_per_frame':
      return logRate(detections(samples, expression.class), answered(samples));
    case 'errors':
    case 'dropped': {
      const { hits, total } = countRate(samples, expression.metric);
      return logRate(hits, total);
    }
    case 'lost':
    case 'gained':
    case 'wrong_class':
    case 'border_share':
    case 'recall':
    case 'precision':
    case 'map50':
      return null;
  }
}

/** Errors per frame given to the model, or frames dropped per frame captured. */
export function countRate(samples: readonly Sample[], metric: 'errors' | 'dropped'): Hits {
  return foldedHits(samples, metric, ({ arm, window }) =>
    metric === 'errors'
      ? { hits: total(arm.errors), total: arm.frames }
      : {
          hits: sum(window.cameras, ({ dropped }) => total(dropped)),
          total: sum(window.cameras, ({ captured }) => captured),
        },
  );
}

function latency(samples: readonly Sample[], { aggregate, metric }: Expression): Value | null {
  const q = aggregate === 'p50' ? 0.5 : aggregate === 'p99' ? 0.99 : 0.95;
  const value = foldedQuantile(samples, metric === 'run_ms' ? metric : 'latency_ms', q);
  return value === null || value <= 0 ? null : { value: Math.log(value), count: answered(samples) };
}

function framesPerSecond(samples: readonly Sample[]): Value | null {
  const { hits: frames, total: activeMs } = foldedHits(samples, 'fps', ({ arm }) => ({
    hits: arm.answered,
    total: arm.activeMs,
  }));
  if (activeMs <= 0) return null;
  // Half a frame instead of none: a device that answers nothing is infinitely slower, and a logarithm needs a number.
  return { value: Math.log((Math.max(frames, 0.5) * 1000) / activeMs), count: frames };
}

function temperature(samples: readonly Sample[]): Value | null {
  const { hits: degrees, total: count } = foldedHits(samples, 'temperature', ({ window }) => {
    const { temperatureC } = window.sensors;
    return temperatureC === null ? null : { hits: temperatureC, total: 1 };
  });
  return count === 0 ? null : { value: degrees / count, count };
}

function logRate(hits: number, frames: number): Value | null {
  return frames > 0 ? { value: Math.log((hits + 0.5) / frames), count: frames } : null;
}

function detections(samples: readonly Sample[], label: string | null): number {
  return foldedHits(samples, `detections ${label}`, ({ arm: { proxies } }) => ({
    hits: label === null ? proxies.detections : (proxies.byClass[label] ?? 0),
    total: 0,
  })).hits;
}

function answered(samples: readonly Sample[]): number {
  return foldedHits(samples, 'answered', ({ arm }) => ({ hits: arm.answered, total: 0 })).hits;
}

function total(counts: Readonly<Record<string, number>>): number {
  return sum(Object.values(counts), (count) => count);
}

export function sum<T>(items: readonly T[], valueOfItem: (item: T) => number): number {
  return items.reduce((running, item) => running + valueOfItem(item), 0);
}
