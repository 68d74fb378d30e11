// How the windows of one device scatter, kept as sums: a window is added once, and what it said is not needed again.

/** What the values of windows say about their own mean; neighbours resemble each other, so their number shrinks. */
export type Scatter = {
  readonly windows: number;
  /** 0 with fewer than two. */
  readonly varianceOfMean: number;
  readonly effectiveWindows: number;
};

export const NO_SCATTER: Scatter = { windows: 0, varianceOfMean: 0, effectiveWindows: 0 };

/** From this many windows on their correlation is known well enough to be used. */
const CORRELATED_FROM = 6;
const CORRELATION_MAX = 0.9;

/** Values in the order of their windows, as distances from the first one: sums of squares lose nothing then. */
export class ScatterSum {
  #count = 0;
  #first = 0;
  #last = 0;
  #sum = 0;
  #squares = 0;
  #neighbours = 0;

  add(value: number): void {
    if (this.#count === 0) this.#first = value;
    const distance = value - this.#first;
    this.#neighbours += distance * this.#last;
    this.#count += 1;
    this.#sum += distance;
    this.#squares += distance ** 2;
    this.#last = distance;
  }

  /** As it is now. */
  read(): Scatter {
    const count = this.#count;
    if (count === 0) return NO_SCATTER;
    const mean = this.#sum / count;
    const squares = Math.max(0, this.#squares - count * mean ** 2);
    const effectiveWindows = this.#effectiveCount(mean, squares);
    const varianceOfMean = count < 2 ? 0 : squares / (count - 1) / effectiveWindows;
    return { windows: count, varianceOfMean, effectiveWindows };
  }

  /** (1 − r)/(1 + r) of them, with r the lag-1 correlation. */
  #effectiveCount(mean: number, squares: number): number {
    const count = this.#count;
    if (count < CORRELATED_FROM || squares === 0) return count;
    // The first distance is 0, so that each value but the last has a neighbour after it.
    const products = this.#neighbours - mean * (2 * this.#sum - this.#last) + (count - 1) * mean ** 2;
    const correlation = Math.min(CORRELATION_MAX, Math.max(0, products / squares));
    return Math.max(2, (count * (1 - correlation)) / (1 + correlation));
  }
}

/** Shares seen by windows that count something: enough to say how they scatter around any share. */
export type HitScatter = {
  readonly windows: number;
  readonly hitsSquared: number;
  readonly hitsByTotal: number;
  readonly totalSquared: number;
};

export const NO_HITS: HitScatter = { windows: 0, hitsSquared: 0, hitsByTotal: 0, totalSquared: 0 };

export function addHitScatter(
  sum: HitScatter,
  { hits, total }: { readonly hits: number; readonly total: number },
): HitScatter {
  if (total <= 0) return sum;
  return {
    windows: sum.windows + 1,
    hitsSquared: sum.hitsSquared + hits ** 2,
    hitsByTotal: sum.hitsByTotal + hits * total,
    totalSquared: sum.totalSquared + total ** 2,
  };
}

/** Squared distances of the hits from what this share of the totals would be. */
export function squaresAround(share: number, { hitsSquared, hitsByTotal, totalSquared }: HitScatter): number {
  return Math.max(0, hitsSquared - 2 * share * hitsByTotal + share ** 2 * totalSquared);
}
