// A running sum of latency sketches: windows are added as they arrive, and nothing that was added is read again.
// Gives the same quantiles as `mergeSketches`, at a fraction of its cost and memory. It never forgets a window.
import { type Bins, binValue, readBins, type SketchWire } from './latency-sketch.ts';

/** Rooms at either side, so that a slowly growing range is not copied for each bin. */
const SLACK = 16;

export class SketchSum {
  #counts = new Float64Array(0);
  /** Bin of `#counts[0]`. */
  #from = 0;
  #zeros = 0;
  #count = 0;
  #min = 0;
  #max = 0;

  /** A sketch that cannot be read adds nothing. */
  add(wire: SketchWire): void {
    const bins = readBins(wire);
    if (bins === null || wire.count === 0) return;
    this.#min = this.#count === 0 ? wire.min : Math.min(this.#min, wire.min);
    this.#max = Math.max(this.#max, wire.max);
    this.#count += wire.count;
    this.#zeros += bins.zeros;
    const { indexes, counts } = bins;
    if (indexes.length === 0) return;
    this.#reach(indexes[0] ?? 0, indexes[indexes.length - 1] ?? 0);
    for (let at = 0; at < indexes.length; at += 1) {
      const slot = (indexes[at] ?? 0) - this.#from;
      this.#counts[slot] = (this.#counts[slot] ?? 0) + (counts[at] ?? 0);
    }
  }

  /** The q-quantile (0..1) within 1 %; null without values. */
  quantile(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = q * (this.#count - 1);
    let seen = this.#zeros;
    if (rank < seen) return this.#min;
    for (let slot = 0; slot < this.#counts.length; slot += 1) {
      seen += this.#counts[slot] ?? 0;
      if (rank < seen) return Math.min(this.#max, Math.max(this.#min, binValue(this.#from + slot)));
    }
    return this.#max;
  }

  #reach(low: number, high: number): void {
    const end = this.#from + this.#counts.length;
    if (this.#counts.length > 0 && low >= this.#from && high < end) return;
    const isFirst = this.#counts.length === 0;
    const from = isFirst ? low : Math.min(this.#from, low < this.#from ? low - SLACK : low);
    const to = isFirst ? high + 1 : Math.max(end, high >= end ? high + 1 + SLACK : high + 1);
    const grown = new Float64Array(to - from);
    if (!isFirst) grown.set(this.#counts, this.#from - from);
    this.#counts = grown;
    this.#from = from;
  }
}

/** The q-quantile of one sketch from its bins; null without values. */
export function quantileOfBins(bins: Bins, wire: SketchWire, q: number): number | null {
  if (wire.count === 0) return null;
  const rank = q * (wire.count - 1);
  let seen = bins.zeros;
  if (rank < seen) return wire.min;
  for (let at = 0; at < bins.indexes.length; at += 1) {
    seen += bins.counts[at] ?? 0;
    if (rank < seen) return Math.min(wire.max, Math.max(wire.min, binValue(bins.indexes[at] ?? 0)));
  }
  return wire.max;
}
