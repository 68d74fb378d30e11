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
 * Boxes before thresholds: score, class and corners in pixels of the model's input. Corners are read box by box, only of
 * those whose score counts: a frame has thousands of boxes and answers a few.
 */
type Scored = {
  readonly score: Float32Array;
  readonly classId: Uint16Array;
  readonly corners: Corners;
  readonly readCorners: (box: number) => void;
};

/** Objects at or above their class's threshold, best first, and the count of borderline ones. Throws DecodeError on a wrong shape. */
export function decodeDetection(input: DetectionInput): DecodedObjects {
  const { postprocess, labels } = input;
  const scored = postprocess.decoder === 'yolov8' ? readYolo(input) : readEndToEnd(input);
  // In the model's own precision: 0.7 as a float32 is a little less than 0.7, and must still reach a threshold of 0.7.
  const thresholds = Float32Array.from(labels, (label) => postprocess.scorePerClass?.[label.name] ?? postprocess.score);
  const floor = Math.fround(Math.min(BORDER_FLOOR, postprocess.score));
  const { accepted, border } = select(scored, thresholds, floor);
  const rule = {
    corners: scored.corners,
    classOf: postprocess.classAgnostic ? null : scored.classId,
    iouMax: postprocess.iou,
    keepMax: postprocess.max,
  };
  // Borderline boxes come after and apart, so that they never suppress an accepted one whatever its class's threshold.
  const kept = suppress({ ...rule, order: accepted });
  const borderline = suppress({ ...rule, order: border, against: kept });
  return {
    detections: kept.map((box) => toDetection(scored, box, input)).filter((found) => found !== null),
    borderline: borderline.length,
  };
}

function select(scored: Scored, thresholds: Float32Array, floor: number): { accepted: number[]; border: number[] } {
  const { score, classId, corners, readCorners } = scored;
  const accepted: number[] = [];
  const border: number[] = [];
  for (let i = 0; i < score.length; i++) {
    const threshold = thresholds[classId[i]!];
    if (threshold === undefined || !(score[i]! >= Math.min(threshold, floor))) continue;
    readCorners(i);
    if (!hasArea(corners, i)) continue;
    if (score[i]! >= threshold) accepted.push(i);
    else border.push(i);
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

function readYolo(input: DetectionInput): Scored {
  const { data, dims } = input.output;
  const classes = input.labels.length;
  const [batch, rows, count = 0] = dims;
  if (dims.length !== 3 || batch !== 1 || rows !== 4 + classes)
    throw new DecodeError(`the yolov8 decoder needs [1, ${4 + classes}, N] for ${classes} labels, got [${dims}]`);
  const score = new Float32Array(count);
  const classId = new Uint16Array(count);
  score.set(data.subarray(4 * count, 5 * count));
  for (let c = 1; c < classes; c++) {
    const row = (4 + c) * count;
    for (let i = 0; i < count; i++) {
      if (data[row + i]! > score[i]!) {
        score[i] = data[row + i]!;
        classId[i] = c;
      }
    }
  }
  return { score, classId, ...cornersOf(input, { count, boxStep: 1, partStep: count }) };
}

function readEndToEnd(input: DetectionInput): Scored {
  const { data, dims } = input.output;
  const [batch, count = 0, parts] = dims;
  if (dims.length !== 3 || batch !== 1 || parts !== 6)
    throw new DecodeError(`the end2end-xyxysc decoder needs [1, N, 6], got [${dims}]`);
  const score = new Float32Array(count);
  const classId = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    score[i] = data[i * 6 + 4]!;
    // A class that is no whole number in range has no label: 65535 is never one.
    const id = Math.round(data[i * 6 + 5]!);
    classId[i] = id >= 0 && id < input.labels.length ? id : 0xffff;
  }
  return { score, classId, ...cornersOf(input, { count, boxStep: 6, partStep: 1 }) };
}

/** Where part `p` of box `i` lies: `i · boxStep + p · partStep`. */
type Stride = { readonly count: number; readonly boxStep: number; readonly partStep: number };

function cornersOf(input: DetectionInput, stride: Stride): Pick<Scored, 'corners' | 'readCorners'> {
  const { data } = input.output;
  const isCentre = input.postprocess.box === 'cxcywh';
  const isUnit = input.postprocess.coords === 'unit';
  const scaleX = isUnit ? input.frame.width : 1;
  const scaleY = isUnit ? input.frame.height : 1;
  const corners = new Float32Array(stride.count * 4);
  const readCorners = (box: number): void => {
    const at = box * stride.boxStep;
    const a = data[at]! * scaleX;
    const b = data[at + stride.partStep]! * scaleY;
    const c = data[at + 2 * stride.partStep]! * scaleX;
    const d = data[at + 3 * stride.partStep]! * scaleY;
    corners[box * 4] = isCentre ? a - c / 2 : a;
    corners[box * 4 + 1] = isCentre ? b - d / 2 : b;
    corners[box * 4 + 2] = isCentre ? a + c / 2 : c;
    corners[box * 4 + 3] = isCentre ? b + d / 2 : d;
  };
  return { corners, readCorners };
}

/** Clips to the frame; null when nothing of the box lies inside it. */
function toDetection(scored: Scored, box: number, input: DetectionInput): Detection | null {
  const { corners } = scored;
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
