// A slope that a few wild samples cannot move: the median of the slopes between all pairs of points; and how sure it is.

/** Points looked at: a pair of each is half a million. */
const POINTS_MAX = 1000;

/** Of a normal distribution: 95 of 100 lie within this many standard deviations. */
const DEVIATIONS = 1.96;

export type Slope = {
  /** NaN with fewer than two points of different x. */
  readonly slope: number;
  /** Between these lies the true slope, 95 times of 100 (Sen's interval, by Kendall's variance). */
  readonly low: number;
  readonly high: number;
};

/** Growth of y per unit of x (Theil–Sen). */
export function robustSlope(points: readonly (readonly [x: number, y: number])[]): Slope {
  const step = Math.max(1, Math.ceil(points.length / POINTS_MAX));
  const chosen = points.filter((_, i) => i % step === 0);
  const slopes = chosen.flatMap(([x, y], i) =>
    chosen.slice(i + 1).flatMap(([otherX, otherY]) => (otherX === x ? [] : [(otherY - y) / (otherX - x)])),
  );
  const sorted = Float64Array.from(slopes).sort();
  const count = chosen.length;
  const spread = DEVIATIONS * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const last = sorted.length - 1;
  const at = (rank: number): number => sorted[Math.max(0, Math.min(last, Math.round(rank)))] ?? Number.NaN;
  const middle = sorted.length / 2;
  return {
    slope: (at(Math.ceil(middle) - 1) + at(Math.floor(middle))) / 2,
    low: at((last - spread) / 2),
    high: at((last + spread) / 2),
  };
}
