// The labels of an answer as consumers of earlier releases know them. Pure. A class without an old name keeps its own:
// a consumer that meets a name it does not know is better off than one that never hears of the defect.
import type { Answer } from '../../shared/release/answers.ts';

export type Compat = {
  /** This release's own label → the old name. */
  readonly labelMap?: Readonly<Record<string, string>> | null | undefined;
  /** Old name → the class number that it had. */
  readonly labelIds?: Readonly<Record<string, number>> | undefined;
};

type Labelled = { readonly classId: number; readonly label: string };

export function withLegacyLabels(answer: Answer, compat: Compat | null): Answer {
  if (!compat || (!compat.labelMap && !compat.labelIds)) return answer;
  switch (answer.task) {
    case 'detection':
    case 'segmentation':
      return { ...answer, detections: answer.detections.map((found) => renamed(found, compat)) };
    case 'classification':
      return { ...answer, classes: answer.classes.map((found) => renamed(found, compat)) };
    // Text has no labels.
    case 'ocr':
      return answer;
  }
}

/** The number follows the name where the release says which it had; otherwise it stays this release's own. */
function renamed<Found extends Labelled>(found: Found, { labelMap, labelIds }: Compat): Found {
  const label = own(labelMap, found.label) ?? found.label;
  return { ...found, label, classId: own(labelIds, label) ?? found.classId };
}

/** A label may be called "constructor". */
function own<Value>(record: Readonly<Record<string, Value>> | null | undefined, key: string): Value | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
