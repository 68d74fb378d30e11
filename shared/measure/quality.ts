// Derived quality ratios, each with the count it rests on; null = no evidence, which is never a pass.
// Also the sums behind them: windows of one device or of many add up here. Pure arithmetic, it judges nothing.
import {
  decodeSketch,
  EMPTY_SKETCH,
  encodeSketch,
  mergeSketches,
  quantile,
  type SketchWire,
} from './latency-sketch.ts';
import type { Arm, CameraWindow, Paired, PairedClass, Proxies } from './window.ts';

/** `count` is the denominator (or the number of values behind a mean); `value` is null when it is 0. */
export type Measured = { readonly value: number | null; readonly count: number };

/** Stands for all classes together where a class name is asked for. */
export const ALL_CLASSES = '*';

function ratio(part: number, whole: number): Measured {
  return { value: whole > 0 ? part / whole : null, count: whole };
}

/** Share of the baseline's confident detections of a class that the candidate does not report at all. */
export function lostShare(paired: Paired, className: string): Measured {
  const sums = sumOfClass(paired, className);
  return ratio(sums.lost, sums.baselineConfident);
}

/** Share of the candidate's confident detections of a class that the baseline does not report at all. */
export function gainedShare(paired: Paired, className: string): Measured {
  const sums = sumOfClass(paired, className);
  return ratio(sums.gained, sums.candidateConfident);
}

/** Share of the baseline's confident detections of a class where the candidate reports another class. */
export function wrongShare(paired: Paired, className: string): Measured {
  const sums = sumOfClass(paired, className);
  return ratio(sums.wrongClass, sums.baselineConfident);
}

/** Candidate's share of boxes below the answer threshold minus the baseline's; `count` is the smaller denominator. */
export function borderShareDifference(paired: Paired): Measured {
  const baseline = ratio(paired.baselineBorderline, paired.baselineBoxes);
  const candidate = ratio(paired.candidateBorderline, paired.candidateBoxes);
  const count = Math.min(baseline.count, candidate.count);
  if (baseline.value === null || candidate.value === null) return { value: null, count };
  return { value: candidate.value - baseline.value, count };
}

/** Share of the frames offered to the shadow that were compared. */
export function coverage(paired: Paired): Measured {
  return ratio(Math.min(paired.frames, paired.offered), paired.offered);
}

/** Share of all boxes from 0.15 up that lie below the answer threshold. */
export function borderShare(proxies: Proxies): Measured {
  return ratio(proxies.borderline, proxies.borderline + proxies.detections);
}

export function meanConfidence(proxies: Proxies): Measured {
  return ratio(proxies.scoreSum, proxies.detections);
}

/** Mean binary entropy of the scores, bits. */
export function meanEntropy(proxies: Proxies): Measured {
  return ratio(proxies.entropySum, proxies.detections);
}

/** Tracks that live fewer than 3 frames, per frame of a track. */
export function flickerRate(proxies: Proxies): Measured {
  return ratio(proxies.flickers, proxies.trackFrames);
}

export function detectionsPerFrame(arm: Arm): Measured {
  return ratio(arm.proxies.detections, arm.answered);
}

export function emptyShare(arm: Arm): Measured {
  return ratio(arm.proxies.emptyFrames, arm.answered);
}

/** Failed frames of any kind over the frames it was given. */
export function errorShare(arm: Arm): Measured {
  return ratio(sumOf(Object.values(arm.errors)), arm.frames);
}

/** Answers per second while active; `count` is the number of answers. No active time is no evidence. */
export function framesPerSecond(arm: Arm): Measured {
  return { value: arm.activeMs > 0 ? (arm.answered * 1000) / arm.activeMs : null, count: arm.answered };
}

/** The q-quantile of capture → answer, ms, within 1 %. */
export function latencyQuantile(arm: Arm, q: number): Measured {
  const sketch = decodeSketch(arm.latencyMs);
  return sketch === null ? { value: null, count: 0 } : { value: quantile(sketch, q), count: sketch.count };
}

/** Share of detections that stay at the same place of the picture while the line moves. */
export function staticShare(camera: CameraWindow): Measured {
  return ratio(camera.staticDetections, camera.trackedDetections);
}

/** One arm per (digest, role), in order of first appearance. A sketch that cannot be read counts as no evidence. */
export function mergeArms(arms: Iterable<Arm>): readonly Arm[] {
  return groupBy(arms, (arm) => `${arm.digest} ${arm.role}`).map(mergeGroup);
}

/** One comparison per (baseline, candidate), in order of first appearance. */
export function mergePaired(comparisons: Iterable<Paired>): readonly Paired[] {
  return groupBy(comparisons, (paired) => `${paired.baselineDigest} ${paired.candidateDigest}`).map((group) => ({
    ...group[0],
    ...sumFields(group, PAIRED_COUNTS),
    classes: mergeClasses(group.flatMap((paired) => paired.classes)),
  }));
}

/** Adds counts by name. */
export function addCounts(records: Iterable<Readonly<Record<string, number>>>): Record<string, number> {
  const sums = new Map<string, number>();
  for (const record of records)
    for (const [name, count] of Object.entries(record)) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries(sums);
}

const CLASS_COUNTS = ['baselineConfident', 'lost', 'wrongClass', 'candidateConfident', 'gained'] as const;
const PAIRED_COUNTS = [
  'frames',
  'offered',
  'baselineBoxes',
  'baselineBorderline',
  'candidateBoxes',
  'candidateBorderline',
] as const;
const PROXY_SUMS = [
  'detections',
  'scoreSum',
  'borderline',
  'emptyFrames',
  'flickers',
  'trackFrames',
  'entropySum',
] as const;

type Group<T> = readonly [T, ...T[]];

function mergeGroup(group: Group<Arm>): Arm {
  return {
    ...group[0],
    ...sumFields(group, ['frames', 'answered', 'activeMs'] as const),
    errors: addCounts(group.map((arm) => arm.errors)),
    latencyMs: mergeWires(group.map((arm) => arm.latencyMs)),
    runMs: mergeWires(group.map((arm) => arm.runMs)),
    cpuSeconds: ofKnown(
      group.map((arm) => arm.cpuSeconds),
      (known) => sumOf(known),
    ),
    rssBytes: ofKnown(
      group.map((arm) => arm.rssBytes),
      (known) => Math.max(...known),
    ),
    proxies: mergeProxies(group.map((arm) => arm.proxies)),
  };
}

function mergeProxies(all: readonly Proxies[]): Proxies {
  const bins = addBins(all.map(({ scoreBins }) => scoreBins));
  const byClass = addCounts(all.map((proxies) => proxies.byClass));
  return { ...sumFields(all, PROXY_SUMS), ...(bins === null ? {} : { scoreBins: bins }), byClass };
}

/** Null when somebody does not count them: a part would look like the whole. */
function addBins(all: readonly (readonly number[] | undefined)[]): number[] | null {
  if (all.length === 0 || all.some((bins) => bins === undefined)) return null;
  const length = Math.max(...all.map((bins) => bins?.length ?? 0));
  return Array.from({ length }, (_, at) => sumOf(all.map((bins) => bins?.[at] ?? 0)));
}

function mergeWires(wires: readonly SketchWire[]): SketchWire {
  return encodeSketch(mergeSketches(wires.map((wire) => decodeSketch(wire) ?? EMPTY_SKETCH)));
}

function mergeClasses(classes: readonly PairedClass[]): PairedClass[] {
  return groupBy(classes, (entry) => entry.class).map((group) => ({ ...group[0], ...sumFields(group, CLASS_COUNTS) }));
}

function sumOfClass(paired: Paired, className: string): Record<(typeof CLASS_COUNTS)[number], number> {
  const chosen = className === ALL_CLASSES ? paired.classes : paired.classes.filter((c) => c.class === className);
  return sumFields(chosen, CLASS_COUNTS);
}

function sumFields<K extends string>(
  items: readonly { readonly [key in K]: number }[],
  keys: readonly K[],
): Record<K, number> {
  const entries = keys.map((key): [K, number] => [key, sumOf(items.map((item) => item[key]))]);
  return Object.fromEntries(entries) as Record<K, number>;
}

function ofKnown(values: readonly (number | null)[], combine: (known: number[]) => number): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : combine(known);
}

function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Group<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return [...groups.values()];
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
