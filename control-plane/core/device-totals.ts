// What the windows of a device add up to. A list that only grows at its end is not added up again: the memory of an earlier call goes
// on from there, so that a tick costs what is new. Without one the same numbers come out, only later.
import { addSketches, type SketchReader, type SketchSum, sketchReader } from '../../shared/measure/sketch-sum.ts';
import type { Window } from '../../shared/measure/window.ts';
import type { Sample } from './history.ts';

export type Totals = {
  /** What has been added up, for the metrics that are read window by window. */
  readonly samples: readonly Sample[];
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
  readonly latency: SketchSum;
  readonly run: SketchSum;
  /** Quantile of one of the two, worked out once. */
  readonly quantile: (of: 'latency' | 'run', q: number) => number | null;
};

export type TotalsMemory = { readonly of: (samples: readonly Sample[]) => Totals };

type Kept = { readonly samples: readonly Sample[]; readonly totals: Totals };

/** Spans that begin with the same window: the whole stage, a finished window, the last minutes. */
const SPANS_MAX = 4;

/** Keeps totals as long as somebody holds the windows; to be passed on from tick to tick. */
export function rememberTotals(): TotalsMemory {
  const known = new WeakMap<Window, readonly Kept[]>();
  const read = sketchReader();
  const of = (samples: readonly Sample[]): Totals => {
    const [first] = samples;
    if (!first) return add(null, [], { all: samples, read });
    const kept = known.get(first.window) ?? [];
    const best = kept
      .filter((each) => isBeginning(each.samples, samples))
      .reduce<Kept | null>((most, each) => (most && most.samples.length >= each.samples.length ? most : each), null);
    if (best?.samples.length === samples.length) return best.totals;
    const totals = add(best?.totals ?? null, samples.slice(best?.samples.length ?? 0), { all: samples, read });
    const others = kept.filter((each) => each !== best).slice(1 - SPANS_MAX);
    known.set(first.window, [...others, { samples, totals }]);
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

/** The same windows so far: one that arrives late, or is left out after all, makes another list. */
function isBeginning(beginning: readonly Sample[], samples: readonly Sample[]): boolean {
  if (beginning.length > samples.length) return false;
  // From the end: what differs differs there first.
  for (let at = beginning.length - 1; at >= 0; at -= 1) {
    const [one, other] = [beginning[at], samples[at]];
    if (one?.window !== other?.window || one?.arm !== other?.arm) return false;
  }
  return true;
}

/** `all`: those before and these. */
type Adding = { readonly all: readonly Sample[]; readonly read: SketchReader };

function add(before: Totals | null, samples: readonly Sample[], { all, read }: Adding): Totals {
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
  const latency = addSketches(
    before?.latency ?? null,
    samples.map(({ arm }) => arm.latencyMs),
    read,
  );
  const run = addSketches(
    before?.run ?? null,
    samples.map(({ arm }) => arm.runMs),
    read,
  );
  return { ...sum, samples: all, byClass, latency, run, quantile: quantilesOf({ latency, run }) };
}

function quantilesOf(sketches: Pick<Totals, 'latency' | 'run'>): Totals['quantile'] {
  const known = new Map<string, number | null>();
  return (of, q) => {
    const key = `${of} ${q}`;
    const value = known.get(key);
    if (value !== undefined) return value;
    const found = sketches[of].quantile(q);
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

function countAll(counts: Readonly<Record<string, number>>): number {
  let total = 0;
  for (const name in counts) total += counts[name] ?? 0;
  return total;
}
