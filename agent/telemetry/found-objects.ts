// What an answer found, in one shape for every task, so that two answers can be compared and counted. Pure.
import { type Answer, type Detection, detectionsOf } from '../../shared/release/answers.ts';

/** x, y (top left), width, height in pixels of the model's input frame. */
export type Box = Detection['box'];

export type FoundObject = {
  /** Class name that counters use. */
  readonly label: string;
  /** What must be equal for two objects to be the same: the class, or the very text that was read. */
  readonly identity: string;
  readonly score: number;
  /** Null: the whole frame. */
  readonly box: Box | null;
};

/** The class name of every text that was read. */
export const TEXT_LABEL = 'text';

/** Two boxes are at the same place from this overlap up. */
export const SAME_PLACE_IOU = 0.5;

/** Objects of a detection or segmentation, the best class of a classification, the accepted text of a reading. */
export function foundObjects(answer: Answer): readonly FoundObject[] {
  switch (answer.task) {
    case 'detection':
    case 'segmentation':
      return detectionsOf(answer).map(({ label, score, box }) => ({ label, identity: label, score, box }));
    case 'classification':
      return bestClass(answer.classes);
    case 'ocr':
      return answer.accepted ? [{ label: TEXT_LABEL, identity: answer.text, score: answer.score, box: null }] : [];
  }
}

/** Intersection over union; the whole frame (null) is at the same place as anything. */
export function overlap(a: Box | null, b: Box | null): number {
  if (a === null || b === null) return 1;
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

function bestClass(classes: readonly { readonly label: string; readonly score: number }[]): readonly FoundObject[] {
  const [first, ...rest] = classes;
  if (first === undefined) return [];
  const { label, score } = rest.reduce((best, next) => (next.score > best.score ? next : best), first);
  return [{ label, identity: label, score, box: null }];
}
