// Masks as runs, to and from pixels. Pure, and without schemas: a runner reads this file at its start. See mask.ts.
export type Mask = {
  readonly width: number;
  readonly height: number;
  /** `runs`: start and length by turns, in pixels from the top left, row by row; in order, and without overlap. */
  readonly regions: readonly { readonly label: string; readonly runs: readonly number[] }[];
};

/** Numbers in all runs of a mask. A shattered mask is not worth a megabyte of JSON: it is not told at all. */
export const MASK_NUMBERS_MAX = 200_000;

/** Runs of the pixels of each class; null where they are more numbers than a mask may have. `labelAt` null: of no class. */
export function maskOf(width: number, height: number, labelAt: (pixel: number) => string | null): Mask | null {
  const runs = new Map<string, number[]>();
  const pixels = width * height;
  let numbers = 0;
  for (let pixel = 0; pixel < pixels; ) {
    const label = labelAt(pixel);
    const start = pixel;
    do pixel += 1;
    while (pixel < pixels && labelAt(pixel) === label);
    if (label === null) continue;
    numbers += 2;
    if (numbers > MASK_NUMBERS_MAX) return null;
    const own = runs.get(label);
    if (own) own.push(start, pixel - start);
    else runs.set(label, [start, pixel - start]);
  }
  return { width, height, regions: [...runs].map(([label, own]) => ({ label, runs: own })) };
}

/** Class of every pixel: an index into `labels` plus one, and 0 for none. A label that is not in the list counts as none. */
export function pixelsOf({ width, height, regions }: Mask, labels: readonly string[]): Uint16Array {
  const pixels = new Uint16Array(width * height);
  for (const { label, runs } of regions) {
    const value = labels.indexOf(label) + 1;
    for (let at = 0; at < runs.length; at += 2) {
      const start = runs[at] ?? 0;
      pixels.fill(value, start, start + (runs[at + 1] ?? 0));
    }
  }
  return pixels;
}
