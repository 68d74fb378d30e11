// What an answer holds, as the local limits see it: how many objects, and how many of them alert. Pure counting.
import { type Answer, detectionsOf } from '../../shared/release/answers.ts';

export type Content = { readonly objects: number; readonly alerts: number };

/** `alerting`: the labels that alert; null when the release marks none, then every object does. */
export function contentOf(answer: Answer, alerting: ReadonlySet<string> | null): Content {
  const labels = labelsOf(answer);
  const alerts = alerting === null ? labels : labels.filter((label) => alerting.has(label));
  return { objects: labels.length, alerts: alerts.length };
}

/** The labels of a release that alert: the critical ones; null when it marks none. */
export function alertingLabels(
  labels: readonly { readonly name: string; readonly critical: boolean }[],
): ReadonlySet<string> | null {
  const critical = labels.filter((label) => label.critical).map((label) => label.name);
  return critical.length === 0 ? null : new Set(critical);
}

/** One class or one text counts as one object: a text that was not accepted as none. */
function labelsOf(answer: Answer): readonly string[] {
  switch (answer.task) {
    case 'detection':
    case 'segmentation':
      return detectionsOf(answer).map((detection) => detection.label);
    case 'classification':
      return bestOf(answer.classes);
    case 'ocr':
      return answer.accepted ? [answer.text] : [];
  }
}

function bestOf(classes: readonly { readonly label: string; readonly score: number }[]): readonly string[] {
  const [first, ...rest] = classes;
  if (first === undefined) return [];
  return [rest.reduce((best, next) => (next.score > best.score ? next : best), first).label];
}
