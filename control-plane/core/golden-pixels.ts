// Golden IoU of segmenters in pixels: the share of what answer and label have in common of what either has, and its error,
// counted between groups of pictures. Two releases on the same pictures are compared group by group.
import type { GoldenScore } from '../../shared/protocol/golden-score.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { sum } from './device-metrics.ts';

/** Share of one release, and what each group of pictures adds to its error. */
export type PixelShare = {
  /** Names the pictures. */
  readonly set: string;
  readonly share: number;
  readonly influence: readonly number[];
  /** Groups that hold anything of the class. */
  readonly groups: number;
};

/** Null where the class was not scored by pixels. Without a class: the mean of the classes, so that a large one hides no small one. */
export function pixelShare(
  scores: readonly GoldenScore[] | null,
  { metric, class: label, size }: Expression,
): PixelShare | null {
  if (metric !== 'iou' || size !== null) return null;
  const wanted = (scores ?? []).filter(
    (score) => score.size === 'all' && (label === null ? score.class !== '*' : score.class === label),
  );
  const known = wanted.flatMap((score) => shareOf(score) ?? []);
  return known.length === 0 || known.length < wanted.length ? null : meanOf(known);
}

function shareOf({ pixels }: GoldenScore): readonly PixelShare[] | null {
  if (pixels == null) return null;
  const either = sum(pixels.groups, ([, each]) => each);
  if (either === 0) return null;
  const share = sum(pixels.groups, ([both]) => both) / either;
  const influence = pixels.groups.map(([both, each]) => (both - share * each) / either);
  return [{ set: pixels.set, share, influence, groups: pixels.groups.filter(([, each]) => each > 0).length }];
}

function meanOf(classes: readonly PixelShare[]): PixelShare {
  const [first] = classes as readonly [PixelShare];
  return {
    set: first.set,
    share: sum(classes, ({ share }) => share) / classes.length,
    influence: first.influence.map((_, at) => sum(classes, ({ influence }) => influence[at] ?? 0) / classes.length),
    groups: Math.max(...classes.map(({ groups }) => groups)),
  };
}

/** Variance of the difference (or of the plain share); pictures that differ are no pairs, and their errors add up. */
export function pixelVariance(candidate: PixelShare, baseline: PixelShare | null): number {
  if (baseline === null) return varianceOf(candidate.influence, candidate.groups);
  const isSame = baseline.set === candidate.set && baseline.influence.length === candidate.influence.length;
  if (!isSame) return pixelVariance(candidate, null) + pixelVariance(baseline, null);
  const differences = candidate.influence.map((of, at) => of - (baseline.influence[at] ?? 0));
  return varianceOf(differences, Math.max(candidate.groups, baseline.groups));
}

/** With one group there is nothing to compare: as uncertain as a share can be. */
function varianceOf(influence: readonly number[], groups: number): number {
  return groups < 2 ? 0.25 : (groups / (groups - 1)) * sum(influence, (of) => of ** 2);
}
