// How good found objects are against labelled truth: average precision, precision and recall at the deployed score,
// recall by size, false alarms. Pure. Objects that are mostly cut off are neither demanded nor counted against.
import { iou } from '../../../agent/inference/decode/boxes.ts';
import type { Detection } from '../../../shared/release/answers.ts';

export type Truth = {
  readonly label: string;
  readonly box: readonly [number, number, number, number];
  readonly size: 'small' | 'large';
  readonly visible: number;
};

export type JudgedFrame = { readonly found: readonly Detection[]; readonly truths: readonly Truth[] };

/** `ap50` is the area under the precision-recall curve at IoU 0.5; the rest holds at the deployed score. */
export type ClassScore = {
  readonly label: string;
  readonly ap50: number;
  readonly precision: number;
  readonly recall: number;
  readonly truths: number;
  readonly hits: number;
  readonly falseAlarms: number;
};

export type DetectionScore = {
  readonly map50: number;
  readonly precision: number;
  readonly recall: number;
  readonly falseAlarmsPer1k: number;
  readonly classes: readonly ClassScore[];
  /** Recall of micro-cracks below 34 px: the finding that matters most and that averages hide. */
  readonly smallCracks: { readonly recall: number; readonly truths: number };
  readonly truths: number;
};

const MATCH_IOU = 0.5;
/** A box on a cut-off object is excused when it touches it at all. */
const EXCUSE_IOU = 0.1;
const VISIBLE_MIN = 0.5;

type Verdict = { readonly score: number; readonly isHit: boolean };
type ClassTally = { readonly verdicts: Verdict[]; truths: number; small: number; smallHits: number };

/** `found` must reach well below `scoreMin`, or average precision is cut short. */
export function scoreDetections(
  frames: readonly JudgedFrame[],
  options: { labels: readonly string[]; scoreMin: number },
): DetectionScore {
  const tallies = options.labels.map((label) => tallyClass(frames, label, options.scoreMin));
  const classes = tallies.map((tally, i) => classScore(options.labels[i] ?? '', tally, options.scoreMin));
  const sum = (pick: (score: ClassScore) => number) => classes.reduce((total, score) => total + pick(score), 0);
  const hits = sum((score) => score.hits);
  const falseAlarms = sum((score) => score.falseAlarms);
  const truths = sum((score) => score.truths);
  const cracks = tallies[options.labels.indexOf('micro-crack')];
  return {
    map50: sum((score) => score.ap50) / classes.length,
    precision: share(hits, hits + falseAlarms),
    recall: share(hits, truths),
    falseAlarmsPer1k: (1000 * falseAlarms) / frames.length,
    classes,
    smallCracks: { recall: share(cracks?.smallHits ?? 0, cracks?.small ?? 0), truths: cracks?.small ?? 0 },
    truths,
  };
}

function tallyClass(frames: readonly JudgedFrame[], label: string, scoreMin: number): ClassTally {
  const tally: ClassTally = { verdicts: [], truths: 0, small: 0, smallHits: 0 };
  for (const frame of frames) tallyFrame(frame, label, scoreMin, tally);
  return tally;
}

function tallyFrame(frame: JudgedFrame, label: string, scoreMin: number, tally: ClassTally): void {
  const truths = frame.truths.filter((truth) => truth.label === label);
  const demanded = truths.filter(isDemanded);
  tally.truths += demanded.length;
  const taken = new Set<Truth>();
  const reported = new Set<Truth>();
  for (const found of frame.found.filter((it) => it.label === label).toSorted((a, b) => b.score - a.score)) {
    const match = bestMatch(
      found,
      truths.filter((truth) => !taken.has(truth)),
    );
    if (match === null) {
      if (!isExcused(found, frame)) tally.verdicts.push({ score: found.score, isHit: false });
      continue;
    }
    taken.add(match);
    if (!isDemanded(match)) continue;
    tally.verdicts.push({ score: found.score, isHit: true });
    if (found.score >= scoreMin) reported.add(match);
  }
  tally.small += demanded.filter((truth) => truth.size === 'small').length;
  tally.smallHits += [...reported].filter((truth) => truth.size === 'small').length;
}

function isDemanded(truth: Truth): boolean {
  return truth.visible >= VISIBLE_MIN;
}

function bestMatch(found: Detection, truths: readonly Truth[]): Truth | null {
  let best: Truth | null = null;
  let bestIou = MATCH_IOU;
  for (const truth of truths) {
    const overlap = iou(found.box, truth.box);
    if (overlap < bestIou) continue;
    bestIou = overlap;
    best = truth;
  }
  return best;
}

function isExcused(found: Detection, frame: JudgedFrame): boolean {
  return frame.truths.some((truth) => !isDemanded(truth) && iou(found.box, truth.box) > EXCUSE_IOU);
}

function classScore(label: string, tally: ClassTally, scoreMin: number): ClassScore {
  const deployed = tally.verdicts.filter((verdict) => verdict.score >= scoreMin);
  const hits = deployed.filter((verdict) => verdict.isHit).length;
  return {
    label,
    ap50: averagePrecision(tally.verdicts, tally.truths),
    precision: share(hits, deployed.length),
    recall: share(hits, tally.truths),
    truths: tally.truths,
    hits,
    falseAlarms: deployed.length - hits,
  };
}

/** Area under the precision envelope; 0 when there is nothing to find. */
export function averagePrecision(verdicts: readonly Verdict[], truths: number): number {
  if (truths === 0) return 0;
  let hits = 0;
  const curve = verdicts
    .toSorted((a, b) => b.score - a.score)
    .map((verdict, i) => {
      if (verdict.isHit) hits += 1;
      return { recall: hits / truths, precision: hits / (i + 1) };
    });
  let area = 0;
  let envelope = 0;
  for (let i = curve.length - 1; i >= 0; i--) {
    const point = curve[i]!;
    envelope = Math.max(envelope, point.precision);
    area += (point.recall - (curve[i - 1]?.recall ?? 0)) * envelope;
  }
  return area;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
