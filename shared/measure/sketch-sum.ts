// A running sum of latency sketches in one row of counts: windows are added as they close, and nothing that was added is read
// again. Says what merged sketches say (latency-sketch.ts), at a fraction of the cost and memory. It never forgets a window.
import { type Bins, binValue, readBins, type SketchWire } from './latency-sketch.ts';

/** Rooms at either side, so that a slowly growing range is not copied for each bin. */
const SLACK = 16;
/** What guardrails ask for, rising: found in one go. */
const ASKED: readonly number[] = [0.5, 0.95, 0.99];
/** Wires wait until somebody asks; no more than this many. */
const WAITING_MAX = 16;

export class SketchSum {
  #waiting: SketchWire[] = [];
  #counts = new Float64Array(0);
  /** Bin of `#counts[0]`. */
  #from = 0;
  #zeros = 0;
  #count = 0;
  #min = 0;
  #max = 0;
  /** What was found at `ASKED`, in their order, since the last sketch was added. */
  #told: readonly (number | null)[] | null = null;

  /** A sketch that cannot be read adds nothing. */
  add(wire: SketchWire): void {
    this.#told = null;
    if (this.#waiting.push(wire) >= WAITING_MAX) this.#addWaiting();
  }

  /** The q-quantile (0..1) within 1 %; null without values. */
  quantile(q: number): number | null {
    const at = ASKED.indexOf(q);
    if (at === -1) return this.#find([q])[0] ?? null;
    this.#told ??= this.#find(ASKED);
    return this.#told[at] ?? null;
  }

  #find(asked: readonly number[]): readonly (number | null)[] {
    const [only] = this.#waiting;
    if (this.#count === 0 && this.#waiting.length === 1 && only) return quantilesOfWire(only, asked);
    this.#addWaiting();
    if (this.#count === 0) return [];
    const { length } = this.#counts;
    let [slot, seen] = [-1, this.#zeros];
    return asked.map((q) => {
      const rank = q * (this.#count - 1);
      while (rank >= seen && slot < length) {
        slot += 1;
        seen += this.#counts[slot] ?? 0;
      }
      if (slot === -1) return this.#min;
      return slot === length ? this.#max : Math.min(this.#max, Math.max(this.#min, binValue(this.#from + slot)));
    });
  }

  #addWaiting(): void {
    for (const wire of this.#waiting) {
      const bins = wire.count === 0 ? null : readBins(wire);
      if (bins !== null) this.#addBins(bins, wire);
    }
    this.#waiting = [];
  }

  #addBins({ zeros, indexes, counts }: Bins, wire: SketchWire): void {
    this.#min = this.#count === 0 ? wire.min : Math.min(this.#min, wire.min);
    this.#max = Math.max(this.#max, wire.max);
    this.#count += wire.count;
    this.#zeros += zeros;
    if (indexes.length === 0) return;
    this.#reach(indexes[0] ?? 0, indexes[indexes.length - 1] ?? 0);
    const row = this.#counts;
    const from = this.#from;
    for (let at = 0; at < indexes.length; at += 1) {
      const slot = (indexes[at] ?? 0) - from;
      row[slot] = (row[slot] ?? 0) + (counts[at] ?? 0);
    }
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

/** Of one sketch, from its own bins; nothing when it cannot be read. */
function quantilesOfWire(wire: SketchWire, asked: readonly number[]): readonly (number | null)[] {
  const bins = wire.count === 0 ? null : readBins(wire);
  if (bins === null) return [];
  const { length } = bins.indexes;
  let [at, seen] = [-1, bins.zeros];
  return asked.map((q) => {
    const rank = q * (wire.count - 1);
    while (rank >= seen && at < length) {
      at += 1;
      seen += bins.counts[at] ?? 0;
    }
    if (at === -1) return wire.min;
    return at === length ? wire.max : Math.min(wire.max, Math.max(wire.min, binValue(bins.indexes[at] ?? 0)));
  });
}
