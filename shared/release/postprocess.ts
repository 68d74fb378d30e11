// How raw output tensors become answers: the decoder of each task and its thresholds.
import { z } from 'zod';

const shareSchema = z.number().min(0).max(1);

const detectionSchema = z.looseObject({
  type: z.literal('detection'),
  decoder: z.enum(['yolov8', 'end2end-xyxysc']),
  box: z.enum(['cxcywh', 'xyxy']),
  coords: z.enum(['input-px', 'unit']),
  score: shareSchema.default(0.25),
  scorePerClass: z.record(z.string(), shareSchema).optional(),
  iou: shareSchema.default(0.45),
  classAgnostic: z.boolean().default(false),
  max: z.number().int().min(1).max(3000).default(300),
});

const segmentationSchema = z.looseObject({
  type: z.literal('segmentation'),
  decoder: z.enum(['logits', 'probs', 'classmap']),
  background: z.number().int().min(0).default(0),
  minAreaPx: z.number().int().min(1).default(12),
  thresholdPerClass: z.record(z.string(), shareSchema).optional(),
  connectivity: z.union([z.literal(4), z.literal(8)]).default(8),
});

const classificationSchema = z.looseObject({
  type: z.literal('classification'),
  activation: z.enum(['softmax', 'sigmoid', 'none']),
  topK: z.number().int().min(1).default(5),
  threshold: shareSchema.optional(),
});

const ocrSchema = z.looseObject({
  type: z.literal('ocr'),
  decoder: z.literal('ctc-greedy'),
  charset: z.array(z.string().min(1)).min(2),
  blank: z.number().int().min(0).default(0),
  axes: z.enum(['TNC', 'NTC']),
  minConfidence: shareSchema.default(0.6),
  pattern: z.string().optional(),
});

export const postprocessSchema = z.discriminatedUnion('type', [
  detectionSchema,
  segmentationSchema,
  classificationSchema,
  ocrSchema,
]);

export type DetectionPostprocess = z.infer<typeof detectionSchema>;
export type SegmentationPostprocess = z.infer<typeof segmentationSchema>;
export type ClassificationPostprocess = z.infer<typeof classificationSchema>;
export type OcrPostprocess = z.infer<typeof ocrSchema>;
export type Postprocess = z.infer<typeof postprocessSchema>;
