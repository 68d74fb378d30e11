// Compares the answers of baseline and candidate to one frame. Plain disagreement ranks a better model as more
// suspicious than a worse one; what one side is sure of and the other does not report at all does not. Pure.
import type { PairedClass } from '../../shared/measure/window.ts';
import { type FoundObject, foundObjects, overlap, SAME_PLACE_IOU } from './found-objects.ts';
import type { FramePair, PairedAnswer } from './outcome.ts';

/** Only detections that a model is sure of may accuse the other: near the threshold both flicker. */
export const CONFIDENT_SCORE = 0.55;

export type PairComparison = {
  readonly classes: readonly PairedClass[];
  readonly baselineBoxes: number;
  readonly baselineBorderline: number;
  readonly candidateBoxes: number;
  readonly candidateBorderline: number;
};

/** Counts for one frame, in the baseline's class names. */
export function comparePair({ baseline, candidate }: Pick<FramePair, 'baseline' | 'candidate'>): PairComparison {
  const ofBaseline = foundObjects(baseline.answer);
  const ofCandidate = foundObjects(candidate.answer).map((object) => renamed(object, candidate.labelMap));
  return {
    classes: compareClasses(ofBaseline, ofCandidate),
    ...boxCounts('baseline', ofBaseline, baseline),
    ...boxCounts('candidate', ofCandidate, candidate),
  };
}

function compareClasses(baseline: readonly FoundObject[], candidate: readonly FoundObject[]): PairedClass[] {
  const byClass = new Map<string, PairedClass>();
  const add = (label: string, counts: Partial<PairedClass>) => {
    byClass.set(label, plus(byClass.get(label) ?? emptyClass(label), counts));
  };
  for (const object of baseline.filter(isConfident)) {
    const place = atPlaceOf(object, candidate);
    const lost = !place.some((other) => other.identity === object.identity);
    // A wrong class is also a loss of the right one; it is counted as both, so that `lost` alone is the whole harm.
    add(object.label, { baselineConfident: 1, lost: lost ? 1 : 0, wrongClass: lost && place.length > 0 ? 1 : 0 });
  }
  for (const object of candidate.filter(isConfident)) {
    const known = atPlaceOf(object, baseline).some((other) => other.identity === object.identity);
    add(object.label, { candidateConfident: 1, gained: known ? 0 : 1 });
  }
  return [...byClass.values()];
}

// Whoever answers at all has seen it: several may share one place, so this is not a one-to-one match.
function atPlaceOf(object: FoundObject, others: readonly FoundObject[]): readonly FoundObject[] {
  return others.filter((other) => overlap(object.box, other.box) >= SAME_PLACE_IOU);
}

function isConfident(object: FoundObject): boolean {
  return object.score >= CONFIDENT_SCORE;
}

function renamed(object: FoundObject, labelMap: FramePair['candidate']['labelMap']): FoundObject {
  if (!labelMap || object.identity !== object.label || !Object.hasOwn(labelMap, object.label)) return object;
  const label = labelMap[object.label] ?? object.label;
  return { ...object, label, identity: label };
}

function boxCounts<S extends 'baseline' | 'candidate'>(side: S, found: readonly FoundObject[], answer: PairedAnswer) {
  const entries = [
    [`${side}Boxes`, found.length + answer.borderline],
    [`${side}Borderline`, answer.borderline],
  ];
  return Object.fromEntries(entries) as Record<`${S}Boxes` | `${S}Borderline`, number>;
}

function emptyClass(label: string): PairedClass {
  return { class: label, baselineConfident: 0, lost: 0, wrongClass: 0, candidateConfident: 0, gained: 0 };
}

function plus(sum: PairedClass, counts: Partial<PairedClass>): PairedClass {
  return {
    class: sum.class,
    baselineConfident: sum.baselineConfident + (counts.baselineConfident ?? 0),
    lost: sum.lost + (counts.lost ?? 0),
    wrongClass: sum.wrongClass + (counts.wrongClass ?? 0),
    candidateConfident: sum.candidateConfident + (counts.candidateConfident ?? 0),
    gained: sum.gained + (counts.gained ?? 0),
  };
}
