// Counts from a golden self-test, per class and size; metrics are computed from counts, so that fleets can be pooled.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';

/** A set of a thousand pictures is no longer to report than one of this many. */
export const PIXEL_GROUPS = 64;

export const goldenScoreSchema = z.looseObject({
  /** Label name; `*` over all classes. */
  class: z.string(),
  size: z.enum(['all', 'small', 'large']),
  /** Labelled objects that were looked for, found, and answers that match nothing. */
  objects: countSchema,
  found: countSchema,
  falseAlarms: countSchema,
  /** Average precision at IoU 0.5; null where it is not defined. */
  ap50: z.number().nullable(),
  /**
   * Overlap in pixels, where the release answers with masks and the golden set has them: the pixels that answer and label have in
   * common, and those that either has, for each group of pictures (picture n is in group n modulo their number). Over all sizes.
   */
  pixels: z
    .looseObject({
      /** First characters of the SHA-256 of the golden file: only figures of the same pictures can be paired. */
      set: z.string().max(64),
      groups: z
        .array(z.tuple([countSchema, countSchema]))
        .min(1)
        .max(PIXEL_GROUPS),
    })
    .nullish(),
  /**
   * Sum, and sum of squares, of the overlap (IoU of the boxes) of each object that was looked for with its answer; nothing where it
   * was missed. Null or absent: not measured.
   */
  iouSum: z.number().nonnegative().nullish(),
  iouSquares: z.number().nonnegative().nullish(),
});

export type GoldenScore = z.infer<typeof goldenScoreSchema>;
