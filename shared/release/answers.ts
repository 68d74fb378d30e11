// What a model says about one frame, after decoding. Positions are in pixels of the model's input frame.
import { z } from 'zod';

/** Sums of them over any window stay finite. */
const scoreSchema = z.number().min(-1e6).max(1e6);
const pixelSchema = z.number().min(-1e9).max(1e9);
/** A manifest's names have 60 characters at most. */
const labelSchema = z.string().max(200);
const TEXT_MAX = 10_000;

const detectionSchema = z.looseObject({
  /** Class number in the release's label list. */
  classId: z.number().int().nonnegative(),
  label: labelSchema,
  /** 0..1 */
  score: scoreSchema,
  /** x, y (top left), width, height. */
  box: z.tuple([pixelSchema, pixelSchema, pixelSchema, pixelSchema]),
  /** Pixels of the object's region; segmentation only. */
  areaPx: pixelSchema.optional(),
});

/** Detection and segmentation answer with objects, classification with classes, OCR with one line of text. */
export const answerSchema = z.discriminatedUnion('task', [
  z.looseObject({ task: z.literal('detection'), detections: z.array(detectionSchema) }),
  z.looseObject({ task: z.literal('segmentation'), detections: z.array(detectionSchema) }),
  z.looseObject({
    task: z.literal('classification'),
    classes: z.array(z.looseObject({ classId: z.number().int(), label: labelSchema, score: scoreSchema })),
  }),
  z.looseObject({ task: z.literal('ocr'), text: z.string().max(TEXT_MAX), score: scoreSchema, accepted: z.boolean() }),
]);

export type Detection = z.infer<typeof detectionSchema>;
export type Answer = z.infer<typeof answerSchema>;

/** The objects of an answer; none for tasks that do not find objects. */
export function detectionsOf(answer: Answer): readonly Detection[] {
  return answer.task === 'detection' || answer.task === 'segmentation' ? answer.detections : [];
}
