// Which pixels belong to which class, as runs: what a golden picture is labelled with, and what a segmenter answered on it.
// The grid covers the whole picture (or the model's whole input frame) and may be coarser than its pixels.
import { z } from 'zod';
import { MASK_NUMBERS_MAX } from './mask-runs.ts';

/** Width or height of a grid. */
const SIDE_MAX = 8192;

const regionSchema = z.looseObject({
  label: z.string().max(200),
  /** Start and length by turns, in pixels from the top left, row by row; in order, and without overlap. */
  runs: z.array(z.number().int().nonnegative()).max(MASK_NUMBERS_MAX).readonly(),
});

export const maskSchema = z
  .looseObject({
    width: z.number().int().min(1).max(SIDE_MAX),
    height: z.number().int().min(1).max(SIDE_MAX),
    /** One for each class that has pixels. */
    regions: z.array(regionSchema).max(1000).readonly(),
  })
  .superRefine(({ width, height, regions }, context) => {
    for (const [at, { label, runs }] of regions.entries()) {
      if (isInOrder(runs, width * height)) continue;
      const message = `the runs of ${label} must be pairs of start and length, in order, inside ${width} × ${height} pixels`;
      context.addIssue({ code: 'custom', path: ['regions', at, 'runs'], message });
    }
  });

function isInOrder(runs: readonly number[], pixels: number): boolean {
  let end = 0;
  for (let at = 0; at < runs.length; at += 2) {
    const [start = 0, length = 0] = [runs[at], runs[at + 1]];
    if (start < end || length < 1) return false;
    end = start + length;
  }
  return end <= pixels;
}
