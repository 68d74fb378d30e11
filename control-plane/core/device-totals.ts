// What the windows of a device add up to. A window is added once and not needed again, so that a tick costs what is new.
import type { SketchWire } from '../../shared/measure/latency-sketch.ts';
import { SketchSum } from '../../shared/measure/sketch-sum.ts';
import type { Sensors } from '../../shared/measure/window.ts';
import type { Sample } from './history.ts';
import { addHitScatter, type HitScatter, NO_HITS } from './scatter.ts';

/** As it is now: it grows with the windows. */
export type Totals = {
  readonly windows: number;
  readonly frames: number;
  readonly answered: number;
  readonly errors: number;
  readonly captured: number;
  readonly dropped: number;
  readonly activeMs: number;
  readonly durationMs: number;
  readonly detections: number;
  readonly scoreSum: number;
  readonly flickers: number;
  readonly trackFrames: number;
  readonly emptyFrames: number;
  readonly byClass: Readonly<Record<string, number>>;
  readonly means: Readonly<Record<MeanName, Mean>>;
  /** How the windows' shares of errors and of dropped frames scatter. */
  readonly shares: Readonly<Record<'errors' | 'dropped', HitScatter>>;
  /** Of the time per frame, whole or in the model alone, ms; null without values. */
  readonly quantile: (of: 'latency' | 'run', q: number) => number | null;
};

/** Mean over windows that have a value at all. */
export type Mean = { readonly sum: number; readonly count: number };
export type MeanName = 'temperatureC' | 'batteryPct' | 'batteryPctPerHour' | 'cpuLoadPct' | 'powerWatts' | 'rssMb';

type Mutable<T> = { -readonly [key in keyof T]: T[key] };
type Sums = Mutable<Omit<Totals, 'byClass' | 'means' | 'shares' | 'quantile'>>;

const NOTHING: Readonly<Sums> = {
  windows: 0,
  frames: 0,
  answered: 0,
  errors: 0,
  captured: 0,
  dropped: 0,
  activeMs: 0,
  durationMs: 0,
  detections: 0,
  scoreSum: 0,
  flickers: 0,
  trackFrames: 0,
  emptyFrames: 0,
};

export type TotalsSum = Totals & { readonly add: (sample: Sample) => void };

export function openTotals(): TotalsSum {
  const latency = new SketchSum();
  const run = new SketchSum();
  const byClass: Record<string, number> = {};
  const means = noMeans();
  const shares = { errors: NO_HITS, dropped: NO_HITS };
  const totals = {
    ...NOTHING,
    byClass,
    means,
    shares,
    quantile: (of: 'latency' | 'run', q: number) => (of === 'run' ? run : latency).quantile(q),
    add: (sample: Sample): void => {
      addCounts(totals, shares, sample);
      addMeans(means, sample);
      for (const label in sample.arm.proxies.byClass)
        byClass[label] = (byClass[label] ?? 0) + (sample.arm.proxies.byClass[label] ?? 0);
      addSketch(latency, sample.arm.latencyMs);
      addSketch(run, sample.arm.runMs);
    },
  };
  return totals;
}

/** Of all these at once. */
export function totalsOf(samples: readonly Sample[]): Totals {
  const totals = openTotals();
  for (const sample of samples) totals.add(sample);
  return totals;
}

function addSketch(sum: SketchSum, wire: SketchWire): void {
  if (wire.count > 0) sum.add(wire);
}

function addCounts(sums: Sums, shares: Mutable<Totals['shares']>, { window, arm }: Sample): void {
  const errors = countAll(arm.errors);
  let [captured, dropped] = [0, 0];
  for (const camera of window.cameras) {
    captured += camera.captured;
    dropped += countAll(camera.dropped);
  }
  sums.windows += 1;
  sums.frames += arm.frames;
  sums.answered += arm.answered;
  sums.errors += errors;
  sums.captured += captured;
  sums.dropped += dropped;
  sums.activeMs += arm.activeMs;
  sums.durationMs += window.endAtMs - window.startAtMs;
  sums.detections += arm.proxies.detections;
  sums.scoreSum += arm.proxies.scoreSum;
  sums.flickers += arm.proxies.flickers;
  sums.trackFrames += arm.proxies.trackFrames;
  sums.emptyFrames += arm.proxies.emptyFrames;
  shares.errors = addHitScatter(shares.errors, { hits: errors, total: arm.frames });
  shares.dropped = addHitScatter(shares.dropped, { hits: dropped, total: captured });
}

function noMeans(): Record<MeanName, Mutable<Mean>> {
  return {
    temperatureC: { sum: 0, count: 0 },
    batteryPct: { sum: 0, count: 0 },
    batteryPctPerHour: { sum: 0, count: 0 },
    cpuLoadPct: { sum: 0, count: 0 },
    powerWatts: { sum: 0, count: 0 },
    rssMb: { sum: 0, count: 0 },
  };
}

function addMeans(means: Record<MeanName, Mutable<Mean>>, { window: { sensors }, arm }: Sample): void {
  addTo(means.temperatureC, sensors.temperatureC);
  addTo(means.batteryPct, sensors.batteryPct);
  addTo(means.batteryPctPerHour, dischargeOf(sensors));
  addTo(means.cpuLoadPct, sensors.cpuLoadPct);
  addTo(means.powerWatts, sensors.powerMilliwatts && sensors.powerMilliwatts / 1000);
  addTo(means.rssMb, arm.rssBytes && arm.rssBytes / 1_000_000);
}

/** Only while it discharges: a charger says nothing about the model. */
function dischargeOf({ batteryCharging, batteryPctPerHour }: Sensors): number | null {
  return batteryCharging === true ? null : batteryPctPerHour;
}

function addTo(mean: Mutable<Mean>, value: number | null): void {
  if (value === null) return;
  mean.sum += value;
  mean.count += 1;
}

function countAll(counts: Readonly<Record<string, number>>): number {
  let total = 0;
  for (const name in counts) total += counts[name] ?? 0;
  return total;
}
