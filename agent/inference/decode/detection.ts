// Detection outputs to objects: YOLOv8 layout [1, 4+classes, N] and end-to-end [1, N, 6], thresholds, suppression.
// Pure; works on typed arrays and makes an object only for what it answers.
import type { Detection } from '../../../shared/release/answers.ts';
import type { DetectionPostprocess } from '../../../shared/release/postprocess.ts';
import { type Corners, suppress } from './boxes.ts';
import { DecodeError, type FrameSize, type OutputTensor, roundPx, roundScore } from './tensor.ts';

/** `borderline`: objects after suppression whose score lies in [floor, threshold): what the model nearly said. */
export type DecodedObjects = { readonly detections: Detection[]; readonly borderline: number };

type Label = { readonly name: string };

type DetectionInput = {
  readonly output: OutputTensor;
  readonly postprocess: DetectionPostprocess;
  readonly labels: readonly Label[];
  readonly frame: FrameSize;
};

/** Where the border zone begins, unless the threshold itself is lower. */
const BORDER_FLOOR = 0.15;

/** Boxes that enter suppression: its cost grows with the square, and a flood of boxes must not cost a frame its deadline. */
const CANDIDATES_MAX = 3000;

/**
 * The boxes whose score counts: score, class and corners in pixels of the model's input, in the order of the output. A
 * frame has thousands of boxes and answers a few: the others are looked at once and never written down.
 */
type Scored = { readonly score: number[]; readonly classId: number[]; readonly corners: number[] };

/** By class. In the model's own precision: 0.7 as a float32 is a little less than 0.7, and must still reach a threshold of 0.7. */
type Thresholds = { readonly byClass: readonly number[]; readonly floor: number; readonly lowest: number };

/** Objects at or above their class's threshold, best first, and the count of borderline ones. Throws DecodeError on a wrong shape. */
export function decodeDetection(input: DetectionInput): DecodedObjects {
  const { postprocess } = input;
  const thresholds = thresholdsOf(input);
  const { lowest } = thresholds;
  const scored = postprocess.decoder === 'yolov8' ? readYolo(input, lowest) : readEndToEnd(input, lowest);
  const corners = Float32Array.from(scored.corners);
  const { accepted, border } = select(scored, corners, thresholds);
  const rule = {
    corners,
    classOf: postprocess.classAgnostic ? null : scored.classId,
    iouMax: postprocess.iou,
    keepMax: postprocess.max,
  };
  // Borderline boxes come after and apart, so that they never suppress an accepted one whatever its class's threshold.
  const kept = suppress({ ...rule, order: accepted });
  const borderline = suppress({ ...rule, order: border, against: kept });
  return {
    detections: kept.map((box) => toDetection({ scored, corners, box }, input)).filter((found) => found !== null),
    borderline: borderline.length,
  };
}

function thresholdsOf({ postprocess, labels }: DetectionInput): Thresholds {
  const { score, scorePerClass } = postprocess;
  const byClass = labels.map((label) => Math.fround(scorePerClass?.[label.name] ?? score));
  const floor = Math.fround(Math.min(BORDER_FLOOR, score));
  return { byClass, floor, lowest: Math.min(floor, ...byClass) };
}

type Selected = { readonly accepted: number[]; readonly border: number[] };

function select({ score, classId }: Scored, corners: Corners, { byClass, floor }: Thresholds): Selected {
  const accepted: number[] = [];
  const border: number[] = [];
  for (let i = 0; i < score.length; i++) {
    const threshold = byClass[classId[i]!];
    if (threshold === undefined || !hasArea(corners, i)) continue;
    if (score[i]! >= threshold) accepted.push(i);
    else if (score[i]! >= floor) border.push(i);
  }
  const bestFirst = (a: number, b: number): number => score[b]! - score[a]! || a - b;
  return {
    accepted: accepted.sort(bestFirst).slice(0, CANDIDATES_MAX),
    border: border.sort(bestFirst).slice(0, CANDIDATES_MAX),
  };
}

function hasArea(corners: Corners, i: number): boolean {
  return corners[i * 4 + 2]! > corners[i * 4]! && corners[i * 4 + 3]! > corners[i * 4 + 1]!;
}

function readYolo(input: DetectionInput, lowest: number): Scored {
  const { data, dims } = input.output;
  const classes = input.labels.length;
  const [batch, rows, count = 0] = dims;
  if (dims.length !== 3 || batch !== 1 || rows !== 4 + classes)
    throw new DecodeError(`the yolov8 decoder needs [1, ${4 + classes}, N] for ${classes} labels, got [${dims}]`);
  const scored: Scored = { score: [], classId: [], corners: [] };
  const end = (4 + classes) * count;
  for (let i = 0; i < count; i++) {
    let best = data[4 * count + i]!;
    let classAt = 4 * count + i;
    for (let at = classAt + count; at < end; at += count) {
      if (data[at]! > best) {
        best = data[at]!;
        classAt = at;
      }
    }
    if (!(best >= lowest)) continue;
    scored.score.push(best);
    scored.classId.push(Math.floor(classAt / count) - 4);
    pushCorners(scored.corners, input, { at: i, partStep: count });
  }
  return scored;
}

function readEndToEnd(input: DetectionInput, lowest: number): Scored {
  const { data, dims } = input.output;
  const [batch, count = 0, parts] = dims;
  if (dims.length !== 3 || batch !== 1 || parts !== 6)
    throw new DecodeError(`the end2end-xyxysc decoder needs [1, N, 6], got [${dims}]`);
  const scored: Scored = { score: [], classId: [], corners: [] };
  for (let i = 0; i < count; i++) {
    const score = data[i * 6 + 4]!;
    if (!(score >= lowest)) continue;
    // A class that is no whole number in range has no label, and no threshold.
    scored.score.push(score);
    scored.classId.push(Math.round(data[i * 6 + 5]!));
    pushCorners(scored.corners, input, { at: i * 6, partStep: 1 });
  }
  return scored;
}

/** Where the four parts of a box lie: `at + p · partStep`. */
type Parts = { readonly at: number; readonly partStep: number };

function pushCorners(corners: number[], { output, postprocess, frame }: DetectionInput, { at, partStep }: Parts): void {
  const { data } = output;
  const isUnit = postprocess.coords === 'unit';
  const scaleX = isUnit ? frame.width : 1;
  const scaleY = isUnit ? frame.height : 1;
  const a = data[at]! * scaleX;
  const b = data[at + partStep]! * scaleY;
  const c = data[at + 2 * partStep]! * scaleX;
  const d = data[at + 3 * partStep]! * scaleY;
  if (postprocess.box === 'cxcywh') corners.push(a - c / 2, b - d / 2, a + c / 2, b + d / 2);
  else corners.push(a, b, c, d);
}

type Chosen = { readonly scored: Scored; readonly corners: Corners; readonly box: number };

/** Clips to the frame; null when nothing of the box lies inside it. */
function toDetection({ scored, corners, box }: Chosen, input: DetectionInput): Detection | null {
  const left = Math.max(0, corners[box * 4]!);
  const top = Math.max(0, corners[box * 4 + 1]!);
  const width = Math.min(input.frame.width, corners[box * 4 + 2]!) - left;
  const height = Math.min(input.frame.height, corners[box * 4 + 3]!) - top;
  const classId = scored.classId[box]!;
  const label = input.labels[classId];
  if (!label || !(width > 0 && height > 0)) return null;
  return {
    classId,
    label: label.name,
    score: roundScore(scored.score[box]!),
    box: [roundPx(left), roundPx(top), roundPx(width), roundPx(height)],
  };
}
