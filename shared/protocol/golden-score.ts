// Counts from a golden self-test, per class and size; metrics are computed from counts, so that fleets can be pooled.
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';

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
   * Sum, and sum of squares, of the overlap (IoU of the boxes) of each object that was looked for with its answer; nothing where it
   * was missed. Null or absent: not measured.
   */
  iouSum: z.number().nonnegative().nullish(),
  iouSquares: z.number().nonnegative().nullish(),
});

export type GoldenScore = z.infer<typeof goldenScoreSchema>;
