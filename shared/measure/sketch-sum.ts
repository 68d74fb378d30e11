// A sum of latency sketches in one row of counts: windows are added as they close, and nothing that was added is read again.
// Says what merged sketches say (latency-sketch.ts), at a fraction of the cost and memory.
import { type Bins, binValue, readBins, type SketchWire } from './latency-sketch.ts';

/** Never changes: adding makes another one. */
export type SketchSum = {
  readonly count: number;
  /** The q-quantile (0..1) within 1 %; null without values. */
  readonly quantile: (q: number) => number | null;
  readonly row: Row;
};

type Row = {
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
  /** Bin of `counts[0]`. */
  readonly from: number;
  readonly counts: Float64Array;
};

export type SketchReader = (wire: SketchWire) => Bins | null;

/** Reads the bytes of a sketch once, however often it is added. */
export function sketchReader(): SketchReader {
  const known = new WeakMap<SketchWire, Bins | null>();
  return (wire) => {
    const bins = known.get(wire);
    if (bins !== undefined) return bins;
    const read = readBins(wire);
    known.set(wire, read);
    return read;
  };
}

const NOTHING: Row & { readonly count: number } = {
  count: 0,
  zeros: 0,
  min: 0,
  max: 0,
  from: 0,
  counts: new Float64Array(0),
};

/** A sketch that cannot be read adds nothing. */
export function addSketches(
  before: SketchSum | null,
  wires: readonly SketchWire[],
  read: SketchReader = readBins,
): SketchSum {
  const known = wires.flatMap((wire) => {
    const bins = wire.count === 0 ? null : read(wire);
    return bins === null ? [] : [{ wire, bins }];
  });
  let { count, zeros, min, max } = before === null ? NOTHING : { ...before.row, count: before.count };
  const counts = roomFor(
    before?.row ?? NOTHING,
    known.map(({ bins }) => bins),
  );
  for (const { wire, bins } of known) {
    min = count === 0 ? wire.min : Math.min(min, wire.min);
    max = Math.max(max, wire.max);
    count += wire.count;
    zeros += bins.zeros;
    for (let at = 0; at < bins.indexes.length; at += 1) {
      const slot = (bins.indexes[at] ?? 0) - counts.from;
      counts.counts[slot] = (counts.counts[slot] ?? 0) + (bins.counts[at] ?? 0);
    }
  }
  const row = { zeros, min, max, ...counts };
  return { count, row, quantile: (q) => quantileOf(row, count, q) };
}

/** A copy with room for all of these. */
function roomFor({ from, counts }: Row, all: readonly Bins[]): Pick<Row, 'from' | 'counts'> {
  let low = counts.length > 0 ? from : Number.POSITIVE_INFINITY;
  let high = counts.length > 0 ? from + counts.length - 1 : Number.NEGATIVE_INFINITY;
  for (const { indexes } of all) {
    low = Math.min(low, indexes[0] ?? low);
    high = Math.max(high, indexes.at(-1) ?? high);
  }
  if (high < low) return { from: 0, counts: new Float64Array(0) };
  const room = new Float64Array(high - low + 1);
  if (counts.length > 0) room.set(counts, from - low);
  return { from: low, counts: room };
}

function quantileOf({ zeros, min, max, from, counts }: Row, count: number, q: number): number | null {
  if (count === 0) return null;
  const rank = q * (count - 1);
  let seen = zeros;
  if (rank < seen) return min;
  for (let slot = 0; slot < counts.length; slot += 1) {
    seen += counts[slot] ?? 0;
    if (rank < seen) return Math.min(max, Math.max(min, binValue(from + slot)));
  }
  return max;
}
