// Latency sketch: a log histogram with DDSketch's mapping (arXiv 1908.10693), relative error α = 1 %, merged exactly.
// Wire form (base64 of): u8 version 1, u8 α in per mille, varint zero count, varint bin count, then per bin
// zig-zag varint gap to the previous bin index (the first: to 0) and varint count; min, max and sum travel beside it.
import { z } from 'zod';

/** Values at or below this many ms count as zero. */
const SMALLEST = 1e-3;
const ALPHA_PER_MILLE = 10;
const GAMMA = (1 + ALPHA_PER_MILLE / 1000) / (1 - ALPHA_PER_MILLE / 1000);
const LOG_GAMMA = Math.log(GAMMA);
const VERSION = 1;
/** 2^20 bins would be a latency of e^20000 ms: only garbage has more. */
const BINS_MAX = 1 << 20;
const INDEX_MAX = 4096;

/** Of every bin that a sketch may have: asked for by the thousand at every tick. */
const MIDDLES = Float64Array.from({ length: 2 * INDEX_MAX + 1 }, (_, at) => middleOf(at - INDEX_MAX));

export type LatencySketch = {
  readonly count: number;
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Bin index → count; the bin i holds values in (γ^(i-1), γ^i]. */
  readonly bins: ReadonlyMap<number, number>;
};

export const sketchWireSchema = z.looseObject({
  count: z.number().int().nonnegative(),
  min: z.number().nonnegative(),
  max: z.number().nonnegative(),
  sum: z.number().nonnegative(),
  bins: z.string().max(16_384),
});
export type SketchWire = z.infer<typeof sketchWireSchema>;

export const EMPTY_SKETCH: LatencySketch = { count: 0, zeros: 0, min: 0, max: 0, sum: 0, bins: new Map() };

/** Collects values; `take()` hands out what was collected and starts afresh. For hot paths. */
export class SketchRecorder {
  #bins = new Map<number, number>();
  #zeros = 0;
  #count = 0;
  #min = 0;
  #max = 0;
  #sum = 0;

  /** Adds one value ≥ 0; anything else is a programmer error. */
  add(value: number): void {
    if (!(value >= 0) || !Number.isFinite(value))
      throw new RangeError(`a latency must be ≥ 0 and finite, got ${value}`);
    this.#min = this.#count === 0 ? value : Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    this.#sum += value;
    this.#count += 1;
    if (value <= SMALLEST) {
      this.#zeros += 1;
      return;
    }
    const index = Math.min(INDEX_MAX, Math.ceil(Math.log(value) / LOG_GAMMA));
    this.#bins.set(index, (this.#bins.get(index) ?? 0) + 1);
  }

  peek(): LatencySketch {
    return {
      count: this.#count,
      zeros: this.#zeros,
      min: this.#min,
      max: this.#max,
      sum: this.#sum,
      bins: new Map(this.#bins),
    };
  }

  take(): LatencySketch {
    const taken = this.peek();
    this.#bins = new Map();
    this.#zeros = this.#count = this.#min = this.#max = this.#sum = 0;
    return taken;
  }
}

export function sketchOf(values: Iterable<number>): LatencySketch {
  const recorder = new SketchRecorder();
  for (const value of values) recorder.add(value);
  return recorder.take();
}

/** Exact in the bins and independent of order; `sum` is a float and may differ in its last digits. */
export function mergeSketches(sketches: Iterable<LatencySketch>): LatencySketch {
  const bins = new Map<number, number>();
  let [count, zeros, min, max, sum] = [0, 0, 0, 0, 0];
  for (const sketch of sketches) {
    if (sketch.count === 0) continue;
    min = count === 0 ? sketch.min : Math.min(min, sketch.min);
    max = Math.max(max, sketch.max);
    count += sketch.count;
    zeros += sketch.zeros;
    sum += sketch.sum;
    for (const [index, n] of sketch.bins) bins.set(index, (bins.get(index) ?? 0) + n);
  }
  return { count, zeros, min, max, sum, bins };
}

/** The q-quantile (0..1) within 1 %; null without values: no evidence is never a number. */
export function quantile(sketch: LatencySketch, q: number): number | null {
  if (sketch.count === 0) return null;
  const rank = q * (sketch.count - 1);
  let seen = sketch.zeros;
  if (rank < seen) return sketch.min;
  for (const index of [...sketch.bins.keys()].sort((a, b) => a - b)) {
    seen += sketch.bins.get(index) ?? 0;
    if (rank < seen) return clamp(binValue(index), sketch.min, sketch.max);
  }
  return sketch.max;
}

export function encodeSketch(sketch: LatencySketch): SketchWire {
  const bytes: number[] = [VERSION, ALPHA_PER_MILLE];
  pushVarint(bytes, sketch.zeros);
  const indexes = [...sketch.bins.keys()].sort((a, b) => a - b);
  pushVarint(bytes, indexes.length);
  let previous = 0;
  for (const index of indexes) {
    pushVarint(bytes, zigZag(index - previous));
    pushVarint(bytes, sketch.bins.get(index) ?? 0);
    previous = index;
  }
  return {
    count: sketch.count,
    min: sketch.min,
    max: sketch.max,
    sum: sketch.sum,
    bins: Buffer.from(bytes).toString('base64'),
  };
}

/** Null when the bytes are malformed, of another α or version, or do not add up to `count`. */
export function decodeSketch(wire: SketchWire): LatencySketch | null {
  const read = readBins(wire);
  if (read === null) return null;
  const bins = new Map(read.indexes.map((index, at) => [index, read.counts[at] ?? 0]));
  return { count: wire.count, zeros: read.zeros, min: wire.min, max: wire.max, sum: wire.sum, bins };
}

/** Bins of one sketch in rising order; both lists are equally long. */
export type Bins = { readonly zeros: number; readonly indexes: readonly number[]; readonly counts: readonly number[] };

/** The same, without a map: for sums over many windows. Null as for `decodeSketch`. */
export function readBins(wire: SketchWire): Bins | null {
  const bytes = Buffer.from(wire.bins, 'base64');
  const reader = new VarintReader(bytes);
  if (reader.byte() !== VERSION || reader.byte() !== ALPHA_PER_MILLE) return null;
  const zeros = reader.varint();
  const length = reader.varint();
  // A bin takes two bytes or more, so that nobody can ask for much room by saying a large number.
  if (zeros === null || length === null || length > BINS_MAX || 2 * length > bytes.length) return null;
  const indexes = new Array<number>(length);
  const counts = new Array<number>(length);
  let previous = 0;
  let count = zeros;
  for (let i = 0; i < length; i += 1) {
    const gap = reader.varint();
    const n = reader.varint();
    if (gap === null || n === null || n === 0 || (i > 0 && unZigZag(gap) <= 0)) return null;
    previous += unZigZag(gap);
    if (Math.abs(previous) > INDEX_MAX) return null;
    indexes[i] = previous;
    counts[i] = n;
    count += n;
  }
  if (!reader.atEnd() || count !== wire.count || wire.max < wire.min) return null;
  return { zeros, indexes, counts };
}

/** Where the middle of a bin lies: every value in it is within 1 %. */
export function binValue(index: number): number {
  return MIDDLES[index + INDEX_MAX] ?? middleOf(index);
}

function middleOf(index: number): number {
  return (2 * GAMMA ** index) / (GAMMA + 1);
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number | null {
    return this.#bytes[this.#at++] ?? null;
  }

  varint(): number | null {
    let value = 0;
    for (let shift = 1; shift < 2 ** 49; shift *= 128) {
      const byte = this.byte();
      if (byte === null) return null;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
    return null;
  }

  atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

function zigZag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function unZigZag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
