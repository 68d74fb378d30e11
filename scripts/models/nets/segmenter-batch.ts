// Fills one segmenter batch: pixels, the wanted class of every pixel, and its weight.
import type { Random } from '../../../agent/frames/line/random.ts';
import { type Crop, type CropPlan, drawCrop, writeCropPixels } from '../training/crops.ts';
import { FRAME_PX, type LabelledFrame } from '../training/scenes.ts';
import { PIXEL_WEIGHTS } from './segmenter-loss.ts';

export type SegmenterBatch = {
  readonly pixels: Float32Array;
  readonly classes: Float32Array;
  readonly weights: Float32Array;
};

export type SegmenterBatchPlan = CropPlan & { readonly batchSize: number };

const CLASS_COUNT = PIXEL_WEIGHTS.length;

export function newSegmenterBatch(plan: SegmenterBatchPlan): SegmenterBatch {
  const pixels = plan.batchSize * plan.sizePx ** 2;
  return {
    pixels: new Float32Array(pixels * 3),
    classes: new Float32Array(pixels * CLASS_COUNT),
    weights: new Float32Array(pixels),
  };
}

export function fillSegmenterBatch(
  batch: SegmenterBatch,
  source: { random: Random; frames: readonly LabelledFrame[]; plan: SegmenterBatchPlan },
): void {
  const { random, frames, plan } = source;
  batch.classes.fill(0);
  for (let slot = 0; slot < plan.batchSize; slot++) {
    const crop = drawCrop(random, frames, plan);
    writeCropPixels(random, crop, { batch: batch.pixels, slot, sizePx: plan.sizePx });
    writeMask(batch, crop, slot, plan);
  }
}

function writeMask(batch: SegmenterBatch, crop: Crop, slot: number, plan: SegmenterBatchPlan): void {
  const area = plan.sizePx ** 2;
  for (let y = 0; y < plan.sizePx; y++) {
    for (let x = 0; x < plan.sizePx; x++) {
      const classId = crop.frame.mask[(crop.top + y) * FRAME_PX + crop.left + x]!;
      const pixel = y * plan.sizePx + x;
      batch.classes[(slot * CLASS_COUNT + classId) * area + pixel] = 1;
      batch.weights[slot * area + pixel] = PIXEL_WEIGHTS[classId]! / (plan.batchSize * area);
    }
  }
}
