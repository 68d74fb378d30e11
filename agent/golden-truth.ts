// The labelled truth of a golden picture as the model sees it: boxes in pixels of its input frame, how much of each object the
// frame still holds, and where a pixel of an answer lies among the labelled ones. Pure.
import type { GoldenIndex, GoldenTruth } from '../shared/release/golden.ts';
import type { InputContract } from '../shared/release/manifest.ts';
import type { Mask } from '../shared/release/mask-runs.ts';
import type { TruthFrame } from './core/golden-score.ts';
import type { GridView } from './core/mask-score.ts';
import { boxToInput, boxToPicture, type PictureSize } from './frames/geometry.ts';
import { frameShapeOf } from './frames/input-contract.ts';

/** `picture`: its size; boxes of the golden index are in its pixels. */
export function truthInFrame(
  truth: GoldenIndex['frames'][number],
  picture: PictureSize,
  contract: InputContract,
): TruthFrame {
  return { objects: truth.objects.map((object) => objectInFrame(object, picture, contract)), text: truth.text };
}

/** Both grids cover all of theirs: the answer's the model's input frame, the label's the picture. */
export function gridView(answer: Mask, truth: Mask, picture: PictureSize, contract: InputContract): GridView {
  const frame = frameShapeOf(contract);
  const cell = [0, 0, frame.width / answer.width, frame.height / answer.height] as const;
  const [left, top, width, height] = boxToPicture(cell, picture, contract);
  const [x, y] = [truth.width / picture.width, truth.height / picture.height];
  return { stepX: width * x, stepY: height * y, fromX: left * x, fromY: top * y };
}

function objectInFrame(object: GoldenTruth, picture: PictureSize, contract: InputContract): GoldenTruth {
  const box = boxToInput(object.box, picture, contract);
  const [x, y, width, height] = box;
  const frame = frameShapeOf(contract);
  const inside = spanInside(x, width, frame.width) * spanInside(y, height, frame.height);
  // What the picture's own edge cuts off is told by `visible`; here only what this contract cuts off counts.
  const [left, top, wide, high] = object.box;
  const before = spanInside(left, wide, picture.width) * spanInside(top, high, picture.height);
  const kept = before > 0 ? Math.min(1, inside / before) : 1;
  return { ...object, box: [x, y, width, height], visible: object.visible * kept };
}

/** Share of [from, from + length] that lies in [0, end]. */
function spanInside(from: number, length: number, end: number): number {
  if (!(length > 0)) return 0;
  return Math.max(0, Math.min(end, from + length) - Math.max(0, from)) / length;
}
