// Fills one lot-reader batch: normalised grey pixels, the wanted character of every time step, and its weight.
import type { Random } from '../../../agent/frames/line/random.ts';
import { PIXEL_SCALE, PIXEL_SHIFT } from '../training/freeze.ts';
import type { LabelledStrip } from '../training/strips.ts';
import { READER_STEPS } from './lot-reader.ts';

export type LotReaderBatch = {
  readonly pixels: Float32Array;
  readonly characters: Float32Array;
  readonly weights: Float32Array;
};

export type LotReaderBatchPlan = {
  readonly batchSize: number;
  readonly characterCount: number;
  readonly pixelCount: number;
};

/** Blank steps outnumber characters; half weight keeps them from winning everywhere. */
const BLANK_WEIGHT = 0.5;

export function newLotReaderBatch(plan: LotReaderBatchPlan): LotReaderBatch {
  return {
    pixels: new Float32Array(plan.batchSize * plan.pixelCount),
    characters: new Float32Array(plan.batchSize * plan.characterCount * READER_STEPS),
    weights: new Float32Array(plan.batchSize * READER_STEPS),
  };
}

export function fillLotReaderBatch(
  batch: LotReaderBatch,
  source: { random: Random; strips: readonly LabelledStrip[]; plan: LotReaderBatchPlan },
): void {
  const { random, strips, plan } = source;
  batch.characters.fill(0);
  for (let slot = 0; slot < plan.batchSize; slot++) writeStrip(batch, random.pick(strips), slot, plan);
  const total = batch.weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < batch.weights.length; i++) batch.weights[i] = batch.weights[i]! / total;
}

function writeStrip(batch: LotReaderBatch, strip: LabelledStrip, slot: number, plan: LotReaderBatchPlan): void {
  const at = slot * plan.pixelCount;
  strip.grey.forEach((pixel, i) => {
    batch.pixels[at + i] = pixel * PIXEL_SCALE + PIXEL_SHIFT;
  });
  strip.steps.forEach((character, step) => {
    batch.characters[(slot * plan.characterCount + character) * READER_STEPS + step] = 1;
    batch.weights[slot * READER_STEPS + step] = character === 0 ? BLANK_WEIGHT : 1;
  });
}
