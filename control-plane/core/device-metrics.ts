// One number per device and metric, on the scale on which devices are compared: logarithms for what multiplies, plain values for the rest.
import { decodeSketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Sample } from './history.ts';
import { proxyValue } from './proxy-metrics.ts';

/** `value` on the comparison scale; `perWindow` the same for each window, for the spread; `count` what it rests on. */
export type Measure = { readonly value: number; readonly perWindow: readonly number[]; readonly count: number };

/** Null when these windows say nothing about the metric. */
export function measure(samples: readonly Sample[], expression: Expression): Measure | null {
  const value = scaleValue(samples, expression);
  if (value === null) return null;
  const perWindow = samples
    .map((sample) => scaleValue([sample], expression)?.value ?? null)
    .filter((each) => each !== null);
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
    case 'confidence':
    case 'flicker':
    case 'empty':
    case 'battery_pct':
    case 'cpu_load_pct':
    case 'power_w':
    case 'rss_mb':
      return proxyValue(samples, expression.metric, expression);
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

export type Hits = { readonly hits: number; readonly total: number };

/** Errors per frame given to the model, or frames dropped per frame captured. */
export function countRate(samples: readonly Sample[], metric: 'errors' | 'dropped'): Hits {
  if (metric === 'errors')
    return {
      hits: sum(samples, ({ arm }) => total(arm.errors)),
      total: sum(samples, ({ arm }) => arm.frames),
    };
  const cameras = samples.flatMap(({ window }) => window.cameras);
  return { hits: sum(cameras, ({ dropped }) => total(dropped)), total: sum(cameras, ({ captured }) => captured) };
}

function latency(samples: readonly Sample[], { aggregate, metric }: Expression): Value | null {
  const wires = samples.map(({ arm }) => (metric === 'run_ms' ? arm.runMs : arm.latencyMs));
  const merged = mergeSketches(wires.map(decodeSketch).filter((sketch) => sketch !== null));
  const value = quantile(merged, aggregate === 'p50' ? 0.5 : aggregate === 'p99' ? 0.99 : 0.95);
  return value === null || value <= 0 ? null : { value: Math.log(value), count: merged.count };
}

function framesPerSecond(samples: readonly Sample[]): Value | null {
  const frames = answered(samples);
  const activeMs = sum(samples, ({ arm }) => arm.activeMs);
  if (activeMs <= 0) return null;
  // Half a frame instead of none: a device that answers nothing is infinitely slower, and a logarithm needs a number.
  return { value: Math.log((Math.max(frames, 0.5) * 1000) / activeMs), count: frames };
}

function temperature(samples: readonly Sample[]): Value | null {
  const known = samples.map(({ window }) => window.sensors.temperatureC).filter((value) => value !== null);
  return known.length === 0 ? null : { value: sum(known, (value) => value) / known.length, count: known.length };
}

function logRate(hits: number, frames: number): Value | null {
  return frames > 0 ? { value: Math.log((hits + 0.5) / frames), count: frames } : null;
}

function detections(samples: readonly Sample[], label: string | null): number {
  return sum(samples, ({ arm: { proxies } }) => (label === null ? proxies.detections : (proxies.byClass[label] ?? 0)));
}

function answered(samples: readonly Sample[]): number {
  return sum(samples, ({ arm }) => arm.answered);
}

function total(counts: Readonly<Record<string, number>>): number {
  return sum(Object.values(counts), (count) => count);
}

export function sum<T>(items: readonly T[], valueOfItem: (item: T) => number): number {
  return items.reduce((running, item) => running + valueOfItem(item), 0);
}
