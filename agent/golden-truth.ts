// The labelled truth of a golden picture as the model sees it: boxes in pixels of its input frame, and how much of each
// object the frame still holds. Pure.
import type { GoldenIndex, GoldenTruth } from '../shared/release/golden.ts';
import type { InputContract } from '../shared/release/manifest.ts';
import type { TruthFrame } from './core/golden-score.ts';
import { boxToInput, type PictureSize } from './frames/geometry.ts';
import { frameShapeOf } from './frames/input-contract.ts';

/** `picture`: its size; boxes of the golden index are in its pixels. */
export function truthInFrame(
  truth: GoldenIndex['frames'][number],
  picture: PictureSize,
  contract: InputContract,
): TruthFrame {
  return { objects: truth.objects.map((object) => objectInFrame(object, picture, contract)), text: truth.text };
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
