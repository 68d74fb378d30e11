// What the windows of a device add up to. A list that only grows at its end is not added up again: the memory of an earlier call goes
// on from there, so that a tick costs what is new. Without one the same numbers come out, only later.
import { decodeSketch, type LatencySketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { Sample } from './history.ts';

export type Totals = {
  readonly frames: number;
  readonly answered: number;
  readonly errors: number;
  readonly captured: number;
  readonly dropped: number;
  readonly activeMs: number;
  readonly durationMs: number;
  readonly temperatureSum: number;
  readonly temperatures: number;
  readonly detections: number;
  readonly byClass: Readonly<Record<string, number>>;
  readonly latency: LatencySketch;
  readonly run: LatencySketch;
  /** Quantile of one of the two, worked out once. */
  readonly quantile: (of: 'latency' | 'run', q: number) => number | null;
};

export type TotalsMemory = { readonly of: (samples: readonly Sample[]) => Totals };

type Kept = {
  readonly count: number;
  readonly first: Arm;
  readonly last: Sample;
  readonly totals: Totals;
};

/** Spans that begin with the same window: the whole stage, a finished window, the last minutes. */
const SPANS_MAX = 4;

/** Keeps totals as long as somebody holds the windows; to be passed on from tick to tick. */
export function rememberTotals(): TotalsMemory {
  const known = new WeakMap<Window, readonly Kept[]>();
  const of = (samples: readonly Sample[]): Totals => {
    const [first] = samples;
    const last = samples.at(-1);
    if (!first || !last) return add(null, []);
    const kept = known.get(first.window) ?? [];
    const best = kept
      .filter((each) => each.first === first.arm && isBeginning(each, samples))
      .reduce<Kept | null>((longest, each) => (longest && longest.count >= each.count ? longest : each), null);
    if (best?.count === samples.length) return best.totals;
    const totals = add(best?.totals ?? null, samples.slice(best?.count ?? 0));
    const others = kept.filter((each) => each !== best).slice(1 - SPANS_MAX);
    known.set(first.window, [...others, { count: samples.length, first: first.arm, last, totals }]);
    return totals;
  };
  return { of };
}

/** For one tick: the very list that another guardrail has asked for is not looked up again. */
export function withinTick(memory: TotalsMemory): TotalsMemory {
  const asked = new Map<readonly Sample[], Totals>();
  const of = (samples: readonly Sample[]): Totals => {
    if (samples.length < 2) return memory.of(samples);
    const known = asked.get(samples);
    if (known) return known;
    const totals = memory.of(samples);
    asked.set(samples, totals);
    return totals;
  };
  return { of };
}

/** The same windows so far: one that arrives late or is left out moves the others, and the end no longer fits. */
function isBeginning({ count, last }: Kept, samples: readonly Sample[]): boolean {
  const end = samples[count - 1];
  return end !== undefined && end.window === last.window && end.arm === last.arm;
}

function add(before: Totals | null, samples: readonly Sample[]): Totals {
  const sum = { ...NOTHING, ...before };
  const byClass: Record<string, number> = { ...before?.byClass };
  for (const { window, arm } of samples) {
    sum.frames += arm.frames;
    sum.answered += arm.answered;
    sum.errors += countAll(arm.errors);
    sum.activeMs += arm.activeMs;
    sum.durationMs += window.endAtMs - window.startAtMs;
    sum.detections += arm.proxies.detections;
    for (const [label, count] of Object.entries(arm.proxies.byClass)) byClass[label] = (byClass[label] ?? 0) + count;
    for (const camera of window.cameras) {
      sum.captured += camera.captured;
      sum.dropped += countAll(camera.dropped);
    }
    if (window.sensors.temperatureC === null) continue;
    sum.temperatureSum += window.sensors.temperatureC;
    sum.temperatures += 1;
  }
  const latency = merge(before?.latency, samples, ({ arm }) => arm.latencyMs);
  const run = merge(before?.run, samples, ({ arm }) => arm.runMs);
  return { ...sum, byClass, latency, run, quantile: quantilesOf({ latency, run }) };
}

function quantilesOf(sketches: Pick<Totals, 'latency' | 'run'>): Totals['quantile'] {
  const known = new Map<string, number | null>();
  return (of, q) => {
    const key = `${of} ${q}`;
    const value = known.get(key);
    if (value !== undefined) return value;
    const found = quantile(sketches[of], q);
    known.set(key, found);
    return found;
  };
}

const NOTHING = {
  frames: 0,
  answered: 0,
  errors: 0,
  captured: 0,
  dropped: 0,
  activeMs: 0,
  durationMs: 0,
  temperatureSum: 0,
  temperatures: 0,
  detections: 0,
};

function merge(
  before: LatencySketch | undefined,
  samples: readonly Sample[],
  wireOf: (sample: Sample) => Arm['latencyMs'],
): LatencySketch {
  const decoded = samples.map((sample) => decodeSketch(wireOf(sample))).filter((sketch) => sketch !== null);
  const merged = mergeSketches(before ? [before, ...decoded] : decoded);
  // In order: a quantile walks through them again and again.
  return { ...merged, bins: new Map([...merged.bins].sort(([a], [b]) => a - b)) };
}

function countAll(counts: Readonly<Record<string, number>>): number {
  let total = 0;
  for (const name in counts) total += counts[name] ?? 0;
  return total;
}
