// Golden scores of segmenters in pixels: what the answered and the labelled pixels of each class have in common, and what
// either has, picture by picture, summed into groups. Pure; knows nothing of runners and files.
import { type GoldenScore, PIXEL_GROUPS } from '../../shared/protocol/golden-score.ts';
import { type Mask, pixelsOf } from '../../shared/release/mask-runs.ts';

/** From a pixel of the answer's grid to one of the label's: `labelled = at × step + from`, for its middle. */
export type GridView = {
  readonly stepX: number;
  readonly stepY: number;
  readonly fromX: number;
  readonly fromY: number;
};

/** Pixels of the answer's grid that both have, and that either has. */
export type Overlap = { readonly label: string; readonly both: number; readonly either: number };

export type MaskedPicture = { readonly answer: Mask; readonly truth: Mask; readonly view: GridView };

/** One entry for each class that is labelled or answered. What the model cannot see of the picture is not asked for. */
export function overlapOf({ answer, truth, view }: MaskedPicture): readonly Overlap[] {
  const labels = [...new Set([...truth.regions, ...answer.regions].map(({ label }) => label))].sort();
  const said = pixelsOf(answer, labels);
  const labelled = pixelsOf(truth, labels);
  const both = new Array<number>(labels.length + 1).fill(0);
  const either = new Array<number>(labels.length + 1).fill(0);
  for (let y = 0, at = 0; y < answer.height; y += 1) {
    const row = Math.floor((y + 0.5) * view.stepY + view.fromY);
    const isRow = row >= 0 && row < truth.height;
    for (let x = 0; x < answer.width; x += 1, at += 1) {
      const column = Math.floor((x + 0.5) * view.stepX + view.fromX);
      const wanted = isRow && column >= 0 && column < truth.width ? labelled[row * truth.width + column]! : 0;
      const found = said[at]!;
      either[found]! += 1;
      if (wanted === found) both[found]! += 1;
      else either[wanted]! += 1;
    }
  }
  return labels.map((label, index) => ({ label, both: both[index + 1]!, either: either[index + 1]! }));
}

export type MaskTally = {
  readonly add: (picture: number, overlaps: readonly Overlap[]) => void;
  /** The scores with what was added of their class; unchanged when some picture of `pictures` had no mask of its answer. */
  readonly attach: (scores: readonly GoldenScore[], pictures: ReadonlySet<number>) => readonly GoldenScore[];
};

/** `set` tells the golden set, `frames` how many pictures it has. */
export function openMaskTally(set: string, frames: number): MaskTally {
  const count = Math.min(PIXEL_GROUPS, frames);
  const classes = new Map<string, [number, number][]>();
  const seen = new Set<number>();
  const groupsOf = (label: string) => {
    const known = classes.get(label) ?? Array.from({ length: count }, (): [number, number] => [0, 0]);
    classes.set(label, known);
    return known;
  };
  return {
    add(picture, overlaps) {
      // A source that started again brings pictures twice.
      if (seen.has(picture)) return;
      seen.add(picture);
      for (const { label, both, either } of overlaps) {
        const group = groupsOf(label)[picture % count]!;
        group[0] += both;
        group[1] += either;
      }
    },
    attach(scores, pictures) {
      if (pictures.size === 0 || [...pictures].some((picture) => !seen.has(picture))) return scores;
      return scores.map((score) =>
        score.size === 'all' && score.class !== '*'
          ? { ...score, pixels: { set, groups: groupsOf(score.class) } }
          : score,
      );
    },
  };
}
