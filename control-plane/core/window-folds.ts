// Running totals over the windows of a device, so that a tick reads only the windows that are new. What a fold says follows
// from the samples alone: it is a memo, kept beside the windows and gone with them, and never a fact of its own.
import { readBins, type SketchWire } from '../../shared/measure/latency-sketch.ts';
import { quantileOfBins, SketchSum } from '../../shared/measure/sketch-sum.ts';
import type { Window } from '../../shared/measure/window.ts';
import type { Sample } from './history.ts';

/** Two counts, and what one of them is a share of. */
export type Hits = { readonly hits: number; readonly total: number };

/** What `read` finds in each sample, added up under the name `what`; null finds nothing. */
export function foldedHits(samples: readonly Sample[], what: string, read: (sample: Sample) => Hits | null): Hits {
  const [only] = samples;
  if (samples.length === 1 && only) return read(only) ?? NOTHING;
  return foldOf(samples, what, () => hitsFold(read)).sums();
}

/** What `read` finds in each sample, one after the other. */
export function foldedList(
  samples: readonly Sample[],
  what: string,
  read: (sample: Sample) => number | null,
): readonly number[] {
  // A copy: the list grows with the next call.
  return foldOf(samples, what, () => listFold(read)).list.slice();
}

type LatencyMetric = 'latency_ms' | 'run_ms';

/** The q-quantile of all frames of these samples, ms; null without any. */
export function foldedQuantile(samples: readonly Sample[], metric: LatencyMetric, q: number): number | null {
  const [only] = samples;
  if (samples.length === 1 && only) return aloneOf(only, metric, q);
  return foldOf(samples, metric, () => latencyFold(metric)).quantile(q);
}

const NOTHING: Hits = { hits: 0, total: 0 };

/** Takes samples one by one, in the order of their time. */
type Fold = { readonly add: (sample: Sample) => void };

function hitsFold(read: (sample: Sample) => Hits | null): Fold & { readonly sums: () => Hits } {
  let [hits, total] = [0, 0];
  const add = (sample: Sample): void => {
    const one = read(sample);
    if (one === null) return;
    hits += one.hits;
    total += one.total;
  };
  return { add, sums: () => ({ hits, total }) };
}

function listFold(read: (sample: Sample) => number | null): Fold & { readonly list: readonly number[] } {
  const list: number[] = [];
  const add = (sample: Sample): void => {
    const value = read(sample);
    if (value !== null) list.push(value);
  };
  return { add, list };
}

function latencyFold(metric: LatencyMetric): Fold & { readonly quantile: (q: number) => number | null } {
  const sum = new SketchSum();
  return { add: (sample) => sum.add(wireOf(sample, metric)), quantile: (q) => sum.quantile(q) };
}

function wireOf({ arm }: Sample, metric: LatencyMetric): SketchWire {
  return metric === 'run_ms' ? arm.runMs : arm.latencyMs;
}

function aloneOf(sample: Sample, metric: LatencyMetric, q: number): number | null {
  const wire = wireOf(sample, metric);
  const bins = readBins(wire);
  return bins === null ? null : quantileOfBins(bins, wire, q);
}

type Kept = { readonly fold: Fold; count: number; last: Sample | null };

/** Not state but memory of sums: without it every tick would read every window again (10,000 devices: minutes per tick). */
const KEPT = new WeakMap<Window, Map<string, Kept>>();

/**
 * The fold `what` over all these samples. Samples are compared by identity: when one was put in between or taken out, the
 * fold begins again. Read what it says at once: it grows with the next call.
 */
function foldOf<T extends Fold>(samples: readonly Sample[], what: string, open: () => T): T {
  const first = samples[0];
  if (!first) return open();
  const ofFirst = KEPT.get(first.window) ?? new Map<string, Kept>();
  if (ofFirst.size === 0) KEPT.set(first.window, ofFirst);
  const name = `${what} ${first.arm.role}`;
  const whole = ofFirst.get(name);
  // A shorter run from the same beginning, such as a closed quarter of an hour, has a place of its own.
  const key = whole && whole.count > samples.length ? `${name} ${samples.length}` : name;
  const kept = ofFirst.get(key);
  const isSame = kept && kept.count <= samples.length && isOne(samples[kept.count - 1], kept.last);
  const going: Kept = isSame ? kept : { fold: open(), count: 0, last: null };
  if (!isSame) ofFirst.set(key, going);
  for (let at = going.count; at < samples.length; at += 1) {
    const sample = samples[at];
    if (sample) going.fold.add(sample);
  }
  going.count = samples.length;
  going.last = samples[samples.length - 1] ?? null;
  return going.fold as T;
}

function isOne(a: Sample | undefined, b: Sample | null): boolean {
  return a?.window === b?.window && a?.arm === b?.arm;
}
