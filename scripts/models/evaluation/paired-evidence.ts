// What two releases say about the same frames (shadow mode), without any label: which confident findings the candidate
// loses or gains, where the classes disagree, how the border zone moves. Pure. Every share carries its count.
import { iou } from '../../../agent/inference/decode/boxes.ts';
import type { Detection } from '../../../shared/release/answers.ts';

export type CountedShare = { readonly share: number; readonly count: number };

export type PairedEvidence = {
  /** Candidate's findings per finding of the baseline. */
  readonly findingsRatio: number;
  /** Of the baseline's confident findings, those that the candidate does not report. */
  readonly lost: CountedShare;
  readonly lostMicroCracks: CountedShare;
  /** Of the candidate's confident findings, those that the baseline does not report. */
  readonly gained: CountedShare;
  /** Of the baseline's findings, those that the candidate puts into another class at the same place. */
  readonly otherClass: CountedShare;
  /** Border share (findings just below the threshold, of all above the border floor), candidate minus baseline. */
  readonly borderShareRise: number;
};

export type PairThresholds = { readonly scoreMin: number; readonly confidentMin: number; readonly borderMin: number };

export const PAIR_THRESHOLDS: PairThresholds = { scoreMin: 0.4, confidentMin: 0.55, borderMin: 0.15 };

const SAME_PLACE_IOU = 0.3;
const OTHER_CLASS_IOU = 0.6;

type Frames = readonly (readonly Detection[])[];

/** Both lists hold, per frame, all findings above the border floor. */
export function pairReleases(baseline: Frames, candidate: Frames, thresholds = PAIR_THRESHOLDS): PairedEvidence {
  const reported = (frames: Frames) => frames.map((found) => found.filter((it) => it.score >= thresholds.scoreMin));
  const confident = (frames: Frames) =>
    frames.map((found) => found.filter((it) => it.score >= thresholds.confidentMin));
  const [before, after] = [reported(baseline), reported(candidate)];
  const confidentBefore = confident(baseline);
  const cracks = confidentBefore.map((found) => found.filter((it) => it.label === 'micro-crack'));
  return {
    findingsRatio: total(after) / Math.max(1, total(before)),
    lost: missingShare(confidentBefore, after),
    lostMicroCracks: missingShare(cracks, after),
    gained: missingShare(confident(candidate), before),
    otherClass: otherClassShare(before, after),
    borderShareRise: borderShare(candidate, thresholds) - borderShare(baseline, thresholds),
  };
}

function missingShare(wanted: Frames, reported: Frames): CountedShare {
  const isMissing = (one: Detection, frame: number) =>
    !reported[frame]?.some((other) => other.label === one.label && iou(one.box, other.box) > SAME_PLACE_IOU);
  const missing = wanted.map((found, frame) => found.filter((one) => isMissing(one, frame)));
  return shareOf(total(missing), total(wanted));
}

function otherClassShare(before: Frames, after: Frames): CountedShare {
  const isRenamed = (one: Detection, frame: number) => {
    const there = after[frame]?.filter((other) => iou(one.box, other.box) > OTHER_CLASS_IOU) ?? [];
    return there.length > 0 && there.every((other) => other.label !== one.label);
  };
  const renamed = before.map((found, frame) => found.filter((one) => isRenamed(one, frame)));
  return shareOf(total(renamed), total(before));
}

function borderShare(frames: Frames, thresholds: PairThresholds): number {
  const above = frames.map((found) => found.filter((it) => it.score >= thresholds.borderMin));
  const border = above.map((found) => found.filter((it) => it.score < thresholds.scoreMin));
  return shareOf(total(border), total(above)).share;
}

function total(frames: Frames): number {
  return frames.reduce((sum, found) => sum + found.length, 0);
}

function shareOf(part: number, whole: number): CountedShare {
  return { share: whole === 0 ? 0 : part / whole, count: whole };
}
