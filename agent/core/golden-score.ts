// Golden scores: how well answers agree with the labelled truth, per class and size, as counts that can be pooled,
// and AP at IoU 0.5. Objects that are mostly outside the picture are neither demanded nor counted against.

import type { GoldenScore } from '../../shared/protocol/golden-score.ts';
import { type Answer, type Detection, detectionsOf } from '../../shared/release/answers.ts';
import type { GoldenTruth } from '../../shared/release/golden.ts';

/** Truth boxes in pixels of the model's input frame, like the answers. */
export type TruthFrame = { readonly objects: readonly GoldenTruth[]; readonly text?: string | undefined };

type Box = readonly [number, number, number, number];
type Size = 'all' | 'small' | 'large';
const SIZES: readonly Size[] = ['all', 'small', 'large'];
const IOU_MIN = 0.5;
const VISIBLE_MIN = 0.5;

/** What one answered box was: true, false, or not to be counted for this size. */
type Judged = { readonly score: number; readonly hit: boolean; readonly iou: number };

export function scoreGolden(answers: readonly Answer[], truths: readonly TruthFrame[]): readonly GoldenScore[] {
  const isText = answers.some((answer) => answer.task === 'ocr');
  return isText ? [scoreTexts(answers, truths)] : scoreObjects(answers, truths);
}

export function boxIou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

function scoreTexts(answers: readonly Answer[], truths: readonly TruthFrame[]): GoldenScore {
  let [objects, found, falseAlarms] = [0, 0, 0];
  for (const [frame, truth] of truths.entries()) {
    const answer = answers[frame];
    if (answer?.task !== 'ocr') continue;
    const isRight = truth.text !== undefined && answer.text === truth.text;
    objects += truth.text === undefined ? 0 : 1;
    found += isRight && answer.accepted ? 1 : 0;
    falseAlarms += answer.accepted && !isRight ? 1 : 0;
  }
  return { class: '*', size: 'all', objects, found, falseAlarms, ap50: null };
}

function scoreObjects(answers: readonly Answer[], truths: readonly TruthFrame[]): readonly GoldenScore[] {
  const labels = [...new Set(truths.flatMap((truth) => truth.objects.map((object) => object.label)))].sort();
  const boundary = sizeBoundary(truths);
  const scores = labels.flatMap((label) => SIZES.map((size) => scoreClass(answers, truths, { label, size, boundary })));
  return [
    ...SIZES.map((size) =>
      pool(
        scores.filter((score) => score.size === size),
        size,
      ),
    ),
    ...scores,
  ];
}

type Slice = { readonly label: string; readonly size: Size; readonly boundary: number };

function scoreClass(answers: readonly Answer[], truths: readonly TruthFrame[], slice: Slice): GoldenScore {
  const judged: Judged[] = [];
  let objects = 0;
  for (const [frame, truth] of truths.entries()) {
    const answer = answers[frame];
    objects += truth.objects.filter((object) => isDemanded(object, slice)).length;
    if (answer) judged.push(...judgeFrame(detectionsOf(answer), truth.objects, slice));
  }
  const found = judged.filter((one) => one.hit).length;
  const falseAlarms = judged.length - found;
  const ap50 = averagePrecision(judged, objects);
  // What was missed overlaps with nothing: an average over found objects alone would hide it.
  const sums = {
    iouSum: judged.reduce((sum, { iou }) => sum + iou, 0),
    iouSquares: judged.reduce((sum, { iou }) => sum + iou ** 2, 0),
  };
  return { class: slice.label, size: slice.size, objects, found, falseAlarms, ap50, ...sums };
}

/** Best score first, each answer takes the free truth it covers best; what covers an uncounted truth is left out. */
function judgeFrame(detections: readonly Detection[], objects: readonly GoldenTruth[], slice: Slice): Judged[] {
  const own = detections.filter((detection) => detection.label === slice.label).sort((a, b) => b.score - a.score);
  const free = new Set(objects.filter((object) => object.label === slice.label));
  const judged: Judged[] = [];
  for (const detection of own) {
    const match = bestMatch(detection, free);
    if (match) free.delete(match);
    if (match && !isDemanded(match, slice)) continue;
    if (!match && !isFalseAlarmOf(detection, slice)) continue;
    judged.push({ score: detection.score, hit: match !== null, iou: match ? boxIou(detection.box, match.box) : 0 });
  }
  return judged;
}

function bestMatch(detection: Detection, free: ReadonlySet<GoldenTruth>): GoldenTruth | null {
  let best: GoldenTruth | null = null;
  let bestIou = IOU_MIN;
  for (const object of free) {
    const iou = boxIou(detection.box, object.box);
    if (iou < bestIou) continue;
    best = object;
    bestIou = iou;
  }
  return best;
}

function isDemanded(object: GoldenTruth, slice: Slice): boolean {
  if (object.label !== slice.label || object.visible < VISIBLE_MIN) return false;
  return slice.size === 'all' || object.size === slice.size;
}

function isFalseAlarmOf(detection: Detection, slice: Slice): boolean {
  if (slice.size === 'all') return true;
  const side = Math.sqrt(detection.box[2] * detection.box[3]);
  return slice.size === (side < slice.boundary ? 'small' : 'large');
}

/** Side length between the largest small and the smallest large truth: it sizes answers that match nothing. */
function sizeBoundary(truths: readonly TruthFrame[]): number {
  const sides = (size: 'small' | 'large') =>
    truths
      .flatMap((truth) => truth.objects)
      .filter((object) => object.size === size)
      .map((object) => Math.sqrt(object.box[2] * object.box[3]));
  const small = sides('small');
  const large = sides('large');
  if (small.length === 0) return 0;
  if (large.length === 0) return Number.POSITIVE_INFINITY;
  return (Math.max(...small) + Math.min(...large)) / 2;
}

/** Area under the precision envelope over recall; null without objects. */
function averagePrecision(judged: readonly Judged[], objects: number): number | null {
  if (objects === 0) return null;
  const sorted = [...judged].sort((a, b) => b.score - a.score);
  const points: { recall: number; precision: number }[] = [];
  let hits = 0;
  for (const [at, one] of sorted.entries()) {
    hits += one.hit ? 1 : 0;
    points.push({ recall: hits / objects, precision: hits / (at + 1) });
  }
  let area = 0;
  let envelope = 0;
  for (let at = points.length - 1; at >= 0; at -= 1) {
    const point = points[at];
    if (!point) continue;
    envelope = Math.max(envelope, point.precision);
    area += envelope * (point.recall - (points[at - 1]?.recall ?? 0));
  }
  return area;
}

/** Over all classes: counts add up, AP is the mean of the classes that have objects. */
function pool(scores: readonly GoldenScore[], size: Size): GoldenScore {
  const sum = (what: 'objects' | 'found' | 'falseAlarms' | 'iouSum' | 'iouSquares') =>
    scores.reduce((total, score) => total + (score[what] ?? 0), 0);
  const defined = scores.map((score) => score.ap50).filter((ap50) => ap50 !== null);
  const ap50 = defined.length === 0 ? null : defined.reduce((total, value) => total + value, 0) / defined.length;
  const counts = { objects: sum('objects'), found: sum('found'), falseAlarms: sum('falseAlarms') };
  return { class: '*', size, ...counts, ap50, iouSum: sum('iouSum'), iouSquares: sum('iouSquares') };
}
