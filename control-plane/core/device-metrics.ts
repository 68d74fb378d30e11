// One number per device and metric, on the scale on which devices are compared: logarithms for what multiplies, plain values for the rest.
import { decodeSketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Sample } from './history.ts';

/** On the comparison scale; null when these windows say nothing about the metric. */
export function measure(samples: readonly Sample[], expression: Expression): number | null {
  return scaleValue(samples, expression);
}

/** The same seen by each window that says something. */
export function measureWindows(samples: readonly Sample[], expression: Expression): readonly number[] {
  return samples.map((sample) => scaleValue([sample], expression)).filter((value) => value !== null);
}

type Spans = { readonly since: readonly Sample[]; readonly before: readonly Sample[] };

/** What a device does since its switch minus what it did before; null when one of the two says nothing. */
export function measureChange({ since, before }: Spans, expression: Expression): number | null {
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

function scaleValue(samples: readonly Sample[], expression: Expression): number | null {
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
    case 'incidents':
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

function latency(samples: readonly Sample[], { aggregate, metric }: Expression): number | null {
  const wires = samples.map(({ arm }) => (metric === 'run_ms' ? arm.runMs : arm.latencyMs));
  const merged = mergeSketches(wires.map(decodeSketch).filter((sketch) => sketch !== null));
  const value = quantile(merged, aggregate === 'p50' ? 0.5 : aggregate === 'p99' ? 0.99 : 0.95);
  return value === null || value <= 0 ? null : Math.log(value);
}

function framesPerSecond(samples: readonly Sample[]): number | null {
  const frames = answered(samples);
  const activeMs = sum(samples, ({ arm }) => arm.activeMs);
  if (activeMs <= 0) return null;
  // Half a frame instead of none: a device that answers nothing is infinitely slower, and a logarithm needs a number.
  return Math.log((Math.max(frames, 0.5) * 1000) / activeMs);
}

function temperature(samples: readonly Sample[]): number | null {
  const known = samples.map(({ window }) => window.sensors.temperatureC).filter((value) => value !== null);
  return known.length === 0 ? null : sum(known, (value) => value) / known.length;
}

function logRate(hits: number, frames: number): number | null {
  return frames > 0 ? Math.log((hits + 0.5) / frames) : null;
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
