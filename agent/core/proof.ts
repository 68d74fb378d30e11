// The proof of a release on this device: its answers on the golden frames against its own reference answers.
// Shuffled labels, a wrong colour order, a broken export or another runtime show up here, before any traffic.
import { type Answer, type Detection, detectionsOf } from '../../shared/release/answers.ts';
import { boxIou } from './golden-score.ts';

export type Tolerance = {
  readonly score: number;
  readonly boxPx: number;
  readonly iou: number;
  readonly share: number;
};

export type Comparison = {
  readonly met: number;
  readonly total: number;
  readonly passed: boolean;
  readonly reason: string;
};

/** Compares the answers on frames 0..n-1 with the n reference answers; `scoreFloor` is the release's own answer threshold. */
export function compareReference(
  answers: readonly Answer[],
  expected: readonly Answer[],
  tolerance: Tolerance,
  scoreFloor: number,
): Comparison {
  let met = 0;
  let total = 0;
  let first: string | null = null;
  for (const [frame, reference] of expected.entries()) {
    const answer = answers[frame];
    const one = answer ? compareAnswer(answer, reference, tolerance, scoreFloor) : missing();
    met += one.met;
    total += one.total;
    if (first === null && one.finding !== null) first = `frame ${frame}: ${one.finding}`;
  }
  const share = total === 0 ? 1 : met / total;
  const passed = share >= tolerance.share;
  const figures = `${met} of ${total} reference answers met (${(share * 100).toFixed(1)} %, needed ${(tolerance.share * 100).toFixed(1)} %)`;
  return { met, total, passed, reason: passed || first === null ? figures : `${figures}; ${first}` };
}

type One = { readonly met: number; readonly total: number; readonly finding: string | null };

function missing(): One {
  return { met: 0, total: 1, finding: 'no answer' };
}

function compareAnswer(answer: Answer, reference: Answer, tolerance: Tolerance, scoreFloor: number): One {
  if (answer.task !== reference.task)
    return { met: 0, total: 1, finding: `answered as ${answer.task}, not as ${reference.task}` };
  if (answer.task === 'ocr' && reference.task === 'ocr') return compareText(answer, reference, tolerance);
  if (answer.task === 'classification' && reference.task === 'classification')
    return compareClasses(answer, reference, tolerance);
  return compareDetections(detectionsOf(answer), detectionsOf(reference), tolerance, scoreFloor);
}

function compareText(answer: { text: string; score: number }, reference: typeof answer, tolerance: Tolerance): One {
  const isMet = answer.text === reference.text && isNear(answer.score, reference.score, tolerance.score);
  const finding = `read "${answer.text}" (${answer.score.toFixed(3)}), not "${reference.text}" (${reference.score.toFixed(3)})`;
  return { met: isMet ? 1 : 0, total: 1, finding: isMet ? null : finding };
}

type Classes = { readonly classes: readonly { classId: number; label: string; score: number }[] };

function compareClasses(answer: Classes, reference: Classes, tolerance: Tolerance): One {
  const best = reference.classes[0];
  const own = best && answer.classes.find((entry) => entry.classId === best.classId && entry.label === best.label);
  if (!best) return { met: 0, total: 0, finding: null };
  const isMet = own !== undefined && isNear(own.score, best.score, tolerance.score);
  const finding = `"${best.label}" at ${own ? own.score.toFixed(3) : 'no score'}, not ${best.score.toFixed(3)}`;
  return { met: isMet ? 1 : 0, total: 1, finding: isMet ? null : finding };
}

/** Every reference object must be found, and nothing else; what lies within the tolerance of the threshold may do either. */
function compareDetections(
  own: readonly Detection[],
  reference: readonly Detection[],
  tolerance: Tolerance,
  scoreFloor: number,
): One {
  const free = new Set(own);
  let met = 0;
  let total = 0;
  let finding: string | null = null;
  for (const wanted of reference) {
    const match = [...free].find((detection) => isSame(detection, wanted, tolerance));
    if (match) free.delete(match);
    else if (isAtFloor(wanted, tolerance, scoreFloor)) continue;
    else finding ??= `${show(wanted)} is missing`;
    total += 1;
    met += match ? 1 : 0;
  }
  for (const extra of free) {
    if (isAtFloor(extra, tolerance, scoreFloor)) continue;
    total += 1;
    finding ??= `${show(extra)} is not in the reference`;
  }
  return { met, total, finding };
}

function isSame(own: Detection, wanted: Detection, tolerance: Tolerance): boolean {
  if (own.classId !== wanted.classId || own.label !== wanted.label) return false;
  if (!isNear(own.score, wanted.score, tolerance.score)) return false;
  const isClose = own.box.every((value, at) => isNear(value, wanted.box[at] ?? Number.NaN, tolerance.boxPx));
  return isClose || boxIou(own.box, wanted.box) >= tolerance.iou;
}

function isAtFloor(detection: Detection, tolerance: Tolerance, scoreFloor: number): boolean {
  return detection.score <= scoreFloor + tolerance.score;
}

function isNear(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance;
}

function show(detection: Detection): string {
  return `${detection.label} ${detection.score.toFixed(3)} at ${detection.box.map((value) => value.toFixed(0)).join(',')}`;
}
