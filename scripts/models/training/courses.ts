// One course per net: binds the net, its loss and its batches to a recipe, so that a run is just "next batch, step".
// Also says how the finished net becomes a model: picture size, output layout and the metadata it carries.
import { createRandom, type Random } from '../../../agent/frames/line/random.ts';
import { detectorNet, yoloOutput } from '../nets/detector.ts';
import { fillDetectorBatch, newDetectorBatch } from '../nets/detector-batch.ts';
import { detectorLoss, detectorTruth } from '../nets/detector-loss.ts';
import { lotReaderNet, READER_STEPS } from '../nets/lot-reader.ts';
import { fillLotReaderBatch, newLotReaderBatch } from '../nets/lot-reader-batch.ts';
import { lotReaderLoss, lotReaderTruth } from '../nets/lot-reader-loss.ts';
import { segmenterNet } from '../nets/segmenter.ts';
import { fillSegmenterBatch, newSegmenterBatch } from '../nets/segmenter-batch.ts';
import { PIXEL_WEIGHTS, segmenterLoss, segmenterTruth } from '../nets/segmenter-loss.ts';
import type { DetectorRecipe, LotReaderRecipe, Recipe, SegmenterRecipe } from '../recipes.ts';
import { readFrames } from './frames.ts';
import type { FreezePlan } from './freeze.ts';
import { DEFECT_NAMES, FRAME_PX, type LabelledFrame } from './scenes.ts';
import { CHARACTERS, readStrips, STRIP_SIZE } from './strips.ts';
import { Tape, type Value } from './tape.ts';
import type { Feed } from './trainer.ts';

export type Course = {
  readonly tape: Tape;
  /** The number that progress lines show. */
  readonly watched: { readonly name: string; readonly value: Value };
  readonly nextBatch: () => readonly Feed[];
  readonly warmShare: number;
};

/** Streams of randomness of one seed: starting weights and batches must not move each other. */
const WEIGHT_STREAM = 9;
const BATCH_STREAM = 10;
const MICRO_CRACK = DEFECT_NAMES.indexOf('micro-crack');

export function openCourse(recipe: Recipe, cacheDir: string): Course {
  const tape = new Tape({ random: createRandom(recipe.seed, WEIGHT_STREAM), isNormalised: true });
  const random = createRandom(recipe.seed, BATCH_STREAM);
  if (recipe.net === 'detector') return detectorCourse(tape, random, recipe, cacheDir);
  if (recipe.net === 'segmenter') return segmenterCourse(tape, random, recipe, cacheDir);
  return lotReaderCourse(tape, random, recipe);
}

function detectorCourse(tape: Tape, random: Random, recipe: DetectorRecipe, cacheDir: string): Course {
  const { batchSize, cropPx: sizePx, defectShare, positiveWeight } = recipe;
  const plan = { batchSize, sizePx, defectShare, positiveWeight, classCount: DEFECT_NAMES.length };
  const frames = readFrames({ set: 'train', count: recipe.samples, cacheDir }).map((frame) =>
    relabelled(frame, recipe),
  );
  const pixels = tape.input('pixels', [batchSize, 3, sizePx, sizePx]);
  const heads = detectorNet(tape, pixels, plan.classCount);
  const truth = detectorTruth(tape, heads);
  const loss = detectorLoss(tape, heads, truth);
  const batch = newDetectorBatch(plan);
  return {
    tape,
    watched: { name: 'box loss', value: loss },
    warmShare: 0.1,
    nextBatch: () => {
      fillDetectorBatch(batch, { random, frames, plan });
      return [
        { value: pixels, data: batch.pixels },
        { value: truth.classes, data: batch.classes },
        { value: truth.sides, data: batch.sides },
        { value: truth.positive, data: batch.positive },
        { value: truth.judged, data: batch.judged },
      ];
    },
  };
}

/** The frame as the recipe's annotators left it: the flawed recipe lost the labels of small micro-cracks. */
function relabelled(frame: LabelledFrame, recipe: DetectorRecipe): LabelledFrame {
  const limit = recipe.smallCrackLabelsBelowPx;
  if (limit === null) return frame;
  const isLost = (box: LabelledFrame['boxes'][number]) => box.classId === MICRO_CRACK && Math.max(box.w, box.h) < limit;
  return { ...frame, boxes: frame.boxes.filter((box) => !isLost(box)) };
}

function segmenterCourse(tape: Tape, random: Random, recipe: SegmenterRecipe, cacheDir: string): Course {
  const { batchSize, cropPx: sizePx, defectShare } = recipe;
  const plan = { batchSize, sizePx, defectShare };
  const frames = readFrames({ set: 'train', count: recipe.samples, cacheDir });
  const pixels = tape.input('pixels', [batchSize, 3, sizePx, sizePx]);
  const logits = segmenterNet(tape, pixels, PIXEL_WEIGHTS.length);
  const truth = segmenterTruth(tape, logits);
  const dice = segmenterLoss(tape, logits, truth);
  const batch = newSegmenterBatch(plan);
  return {
    tape,
    watched: { name: 'mean dice', value: dice },
    warmShare: 0.1,
    nextBatch: () => {
      fillSegmenterBatch(batch, { random, frames, plan });
      return [
        { value: pixels, data: batch.pixels },
        { value: truth.classes, data: batch.classes },
        { value: truth.weights, data: batch.weights },
      ];
    },
  };
}

function lotReaderCourse(tape: Tape, random: Random, recipe: LotReaderRecipe): Course {
  const [height, width] = STRIP_SIZE;
  const plan = { batchSize: recipe.batchSize, characterCount: CHARACTERS.length + 1, pixelCount: height * width };
  const strips = readStrips('train', recipe.samples);
  const pixels = tape.input('pixels', [recipe.batchSize, 1, height, width]);
  const logits = lotReaderNet(tape, pixels, plan.characterCount);
  const truth = lotReaderTruth(tape, logits);
  const loss = lotReaderLoss(tape, logits, truth);
  const batch = newLotReaderBatch(plan);
  return {
    tape,
    watched: { name: 'loss', value: loss },
    warmShare: 0.15,
    nextBatch: () => {
      fillLotReaderBatch(batch, { random, strips, plan });
      return [
        { value: pixels, data: batch.pixels },
        { value: truth.characters, data: batch.characters },
        { value: truth.weights, data: batch.weights },
      ];
    },
  };
}

/** How a trained net of this kind is shipped. Metadata values are JSON where a list is said, as exporters do. */
export function freezePlanOf(recipe: Recipe): FreezePlan {
  const version = recipe.release.split('/')[1] ?? '';
  const common = { version, producer: 'belay-models' };
  if (recipe.net === 'detector') return { ...detectorPlan, metadata: { ...common, ...detectorPlan.metadata } };
  if (recipe.net === 'segmenter') return { ...segmenterPlan, metadata: { ...common, ...segmenterPlan.metadata } };
  return { ...lotReaderPlan, metadata: { ...common, ...lotReaderPlan.metadata } };
}

const detectorPlan: FreezePlan = {
  picture: [FRAME_PX, FRAME_PX, 3],
  outputName: 'output0',
  build: (tape, pixels) => yoloOutput(tape, detectorNet(tape, pixels, DEFECT_NAMES.length)),
  metadata: { task: 'detect', names: JSON.stringify(DEFECT_NAMES), imgsz: `[${FRAME_PX},${FRAME_PX}]`, stride: '8' },
};

const segmenterPlan: FreezePlan = {
  picture: [FRAME_PX, FRAME_PX, 3],
  outputName: 'output0',
  build: (tape, pixels) => {
    const logits = segmenterNet(tape, pixels, PIXEL_WEIGHTS.length);
    return tape.op('Softmax', [logits], logits.dims, { axis: 1 });
  },
  metadata: {
    task: 'segment',
    names: JSON.stringify(['ok', ...DEFECT_NAMES]),
    imgsz: `[${FRAME_PX},${FRAME_PX}]`,
    stride: '1',
  },
};

const lotReaderPlan: FreezePlan = {
  picture: [...STRIP_SIZE, 1],
  outputName: 'output0',
  build: (tape, pixels) => {
    const characterCount = CHARACTERS.length + 1;
    const logits = lotReaderNet(tape, pixels, characterCount);
    const shares = tape.op('Softmax', [logits], logits.dims, { axis: 1 });
    const flat = tape.op('Squeeze', [shares, tape.indices(2)], [1, characterCount, READER_STEPS]);
    return tape.op('Transpose', [flat], [1, READER_STEPS, characterCount], { perm: [0, 2, 1] });
  },
  metadata: { task: 'ocr', names: JSON.stringify(CHARACTERS), imgsz: JSON.stringify(STRIP_SIZE), blank: '0' },
};
