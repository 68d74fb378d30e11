// A slope that a few wild samples cannot move: the median of the slopes between all pairs of points.

/** Points looked at: a pair of each is half a million. */
const POINTS_MAX = 1000;

/** Growth of y per unit of x (Theil–Sen); NaN with fewer than two points of different x. */
export function robustSlope(points: readonly (readonly [x: number, y: number])[]): number {
  const step = Math.max(1, Math.ceil(points.length / POINTS_MAX));
  const chosen = points.filter((_, i) => i % step === 0);
  const slopes = chosen.flatMap(([x, y], i) =>
    chosen.slice(i + 1).flatMap(([otherX, otherY]) => (otherX === x ? [] : [(otherY - y) / (otherX - x)])),
  );
  const sorted = Float64Array.from(slopes).sort();
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
