// What a model says about one frame, after decoding. Positions are in pixels of the model's input frame.
import { z } from 'zod';

const detectionSchema = z.looseObject({
  /** Class number in the release's label list. */
  classId: z.number().int().nonnegative(),
  label: z.string(),
  /** 0..1 */
  score: z.number(),
  /** x, y (top left), width, height. */
  box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  /** Pixels of the object's region; segmentation only. */
  areaPx: z.number().optional(),
});

/** Detection and segmentation answer with objects, classification with classes, OCR with one line of text. */
export const answerSchema = z.discriminatedUnion('task', [
  z.looseObject({ task: z.literal('detection'), detections: z.array(detectionSchema) }),
  z.looseObject({ task: z.literal('segmentation'), detections: z.array(detectionSchema) }),
  z.looseObject({
    task: z.literal('classification'),
    classes: z.array(z.looseObject({ classId: z.number().int(), label: z.string(), score: z.number() })),
  }),
  z.looseObject({ task: z.literal('ocr'), text: z.string(), score: z.number(), accepted: z.boolean() }),
]);

export type Detection = z.infer<typeof detectionSchema>;
export type Answer = z.infer<typeof answerSchema>;

/** The objects of an answer; none for tasks that do not find objects. */
export function detectionsOf(answer: Answer): readonly Detection[] {
  return answer.task === 'detection' || answer.task === 'segmentation' ? answer.detections : [];
}
