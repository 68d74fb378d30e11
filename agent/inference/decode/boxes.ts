// Boxes and their overlap: the one home of intersection over union and of non-maximum suppression.

/** x, y (top left), width, height. */
export type Box = readonly [number, number, number, number];

/** Corners of many boxes, four values each: left, top, right, bottom. */
export type Corners = Float32Array;

/** Intersection over union of two boxes, 0..1; 0 when either has no area. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return Math.min(1, both / (a[2] * a[3] + b[2] * b[3] - both));
}

/** As iou, on boxes `i` and `j` of a corner array: no object per box. */
export function iouAt(corners: Corners, i: number, j: number): number {
  const p = i * 4;
  const q = j * 4;
  const width = Math.min(corners[p + 2]!, corners[q + 2]!) - Math.max(corners[p]!, corners[q]!);
  const height = Math.min(corners[p + 3]!, corners[q + 3]!) - Math.max(corners[p + 1]!, corners[q + 1]!);
  if (!(width > 0 && height > 0)) return 0;
  const both = width * height;
  return both / (areaAt(corners, p) + areaAt(corners, q) - both);
}

function areaAt(corners: Corners, at: number): number {
  return (corners[at + 2]! - corners[at]!) * (corners[at + 3]! - corners[at + 1]!);
}

/**
 * Greedy suppression. `order` lists box numbers, best first; a box is kept unless it overlaps a kept one by more than
 * `iouMax` (of its own class, unless `classOf` is null). Ends when `keepMax` are kept.
 */
export function suppress(input: {
  readonly corners: Corners;
  readonly order: readonly number[];
  readonly classOf: readonly number[] | null;
  readonly iouMax: number;
  readonly keepMax: number;
  /** Boxes that were kept before and still suppress. */
  readonly against?: readonly number[];
}): number[] {
  const { corners, classOf, iouMax } = input;
  const against = input.against ?? [];
  const kept: number[] = [];
  const overlaps = (a: number, others: readonly number[]): boolean => {
    for (let k = 0; k < others.length; k++) {
      const b = others[k]!;
      if ((classOf === null || classOf[a] === classOf[b]) && iouAt(corners, a, b) > iouMax) return true;
    }
    return false;
  };
  for (const box of input.order) {
    if (kept.length >= input.keepMax) break;
    if (!overlaps(box, against) && !overlaps(box, kept)) kept.push(box);
  }
  return kept;
}
