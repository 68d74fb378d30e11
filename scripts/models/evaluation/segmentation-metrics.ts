// How good a segmenter's answers are: pixel IoU per class and, because thin cracks hardly move pixel IoU, recall of whole
// objects and false alarms. Pure. Regions that post-processing rejected count as sound surface.
import { iou } from '../../../agent/inference/decode/boxes.ts';
import type { Detection } from '../../../shared/release/answers.ts';
import type { Truth } from './detection-metrics.ts';

export type JudgedMask = {
  /** Class per pixel as the model sees it, before post-processing. */
  readonly classOf: Uint8Array;
  readonly accepted: readonly Detection[];
  readonly truthMask: Uint8Array;
  readonly truths: readonly Truth[];
};

export type SegmentationScore = {
  readonly meanIou: number;
  readonly classes: readonly {
    readonly label: string;
    readonly iou: number;
    readonly recall: number;
    readonly truths: number;
  }[];
  readonly smallCracks: { readonly recall: number; readonly truths: number };
  readonly falseAlarmsPer1k: number;
};

const OBJECT_IOU = 0.3;
const TOUCH_IOU = 0.01;
const VISIBLE_MIN = 0.5;

type PixelCounts = { readonly both: number[]; readonly seen: number[]; readonly true: number[] };

/** `labels[0]` is sound surface. `widthPx` is the width of the masks. */
export function scoreMasks(
  frames: readonly JudgedMask[],
  options: { labels: readonly string[]; widthPx: number },
): SegmentationScore {
  const zeros = () => options.labels.map(() => 0);
  const counts: PixelCounts = { both: zeros(), seen: zeros(), true: zeros() };
  for (const frame of frames) countPixels(frame, options.widthPx, counts);
  const ious = counts.both.map((both, c) => both / Math.max(1, counts.seen[c]! + counts.true[c]! - both));
  const recalls = options.labels.map((label) => objectRecall(frames, (truth) => truth.label === label));
  return {
    meanIou: ious.reduce((sum, value) => sum + value, 0) / ious.length,
    classes: options.labels.map((label, c) => ({ label, iou: ious[c]!, ...recalls[c]! })),
    smallCracks: objectRecall(frames, (truth) => truth.label === 'micro-crack' && truth.size === 'small'),
    falseAlarmsPer1k: (1000 * frames.reduce((sum, frame) => sum + falseAlarms(frame), 0)) / frames.length,
  };
}

function countPixels(frame: JudgedMask, widthPx: number, counts: PixelCounts): void {
  const kept = keptClasses(frame, widthPx);
  for (let i = 0; i < kept.length; i++) {
    const [seen, truth] = [kept[i]!, frame.truthMask[i]!];
    counts.seen[seen]! += 1;
    counts.true[truth]! += 1;
    if (seen === truth) counts.both[seen]! += 1;
  }
}

/** The class map with every pixel outside accepted regions of its class set to sound. */
function keptClasses(frame: JudgedMask, widthPx: number): Uint8Array {
  const kept = new Uint8Array(frame.classOf.length);
  for (const { classId, box } of frame.accepted) {
    const [left, top, width, height] = box;
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        const i = y * widthPx + x;
        if (frame.classOf[i] === classId) kept[i] = classId;
      }
    }
  }
  return kept;
}

function objectRecall(frames: readonly JudgedMask[], isWanted: (truth: Truth) => boolean) {
  let truths = 0;
  let hits = 0;
  for (const frame of frames) {
    for (const truth of frame.truths) {
      if (!isWanted(truth) || truth.visible < VISIBLE_MIN) continue;
      truths += 1;
      if (frame.accepted.some((it) => it.label === truth.label && iou(it.box, truth.box) >= OBJECT_IOU)) hits += 1;
    }
  }
  return { recall: truths === 0 ? 0 : hits / truths, truths };
}

/** Accepted regions that touch no labelled defect at all. */
function falseAlarms(frame: JudgedMask): number {
  const isAlone = (found: Detection) => !frame.truths.some((truth) => iou(found.box, truth.box) > TOUCH_IOU);
  return frame.accepted.filter(isAlone).length;
}
