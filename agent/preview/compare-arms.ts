// Two answers to one frame side by side: which objects only one arm has found. Pure. It ranks nothing: that one model
// sees what the other does not says only where to look.
import type { Answer } from '../../shared/release/answers.ts';
import { withLegacyLabels } from '../sinks/legacy-labels.ts';
import { type FoundObject, foundObjects, overlap, SAME_PLACE_IOU } from '../telemetry/found-objects.ts';
import type { FramePair } from '../telemetry/outcome.ts';

export type ArmName = 'baseline' | 'candidate';

export type ShownObject = FoundObject & {
  /** The other arm has answered the frame and has not found this there; false when nobody else was asked. */
  readonly isDisputed: boolean;
};

export type ShownArm = { readonly arm: ArmName; readonly release: string; readonly objects: readonly ShownObject[] };

export function shownAlone(arm: ArmName, release: string, answer: Answer): readonly ShownArm[] {
  return [{ arm, release, objects: foundObjects(answer).map((object) => ({ ...object, isDisputed: false })) }];
}

/** Names are compared as consumers of the baseline know them, and shown as each model says them. */
export function shownPair({ baseline, candidate }: FramePair): readonly ShownArm[] {
  const ofBaseline = foundObjects(baseline.answer);
  const ofCandidate = foundObjects(candidate.answer);
  const { labelMap } = candidate;
  const inOldWords = foundObjects(withLegacyLabels(candidate.answer, { labelMap }));
  const disputed = (object: FoundObject, others: readonly FoundObject[]) =>
    !others.some((other) => other.identity === object.identity && overlap(other.box, object.box) >= SAME_PLACE_IOU);
  return [
    {
      arm: 'baseline',
      release: baseline.ref.release,
      objects: ofBaseline.map((object) => ({ ...object, isDisputed: disputed(object, inOldWords) })),
    },
    {
      arm: 'candidate',
      release: candidate.ref.release,
      objects: ofCandidate.map((object, at) => ({
        ...object,
        isDisputed: disputed(inOldWords[at] ?? object, ofBaseline),
      })),
    },
  ];
}
