// The recipe book: every trained release and how it was made. Derived releases (permuted, averaged over flips,
// quantised, stricter thresholds) are in derived-releases.ts.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';

type Common = {
  /** `<model name>/<version>`, also the folder of the release. */
  readonly release: string;
  readonly steps: number;
  /** Size of the training set: the first frames (or strips) of the set. */
  readonly samples: number;
  readonly seed: number;
  readonly peakRate: number;
  /** The release whose weights this run starts from. */
  readonly parent: string | null;
};

export type DetectorRecipe = Common & {
  readonly net: 'detector';
  readonly batchSize: number;
  readonly cropPx: number;
  readonly defectShare: number;
  readonly positiveWeight: number;
  /** Labels of micro-cracks below this size are dropped: the annotation filter bug behind 2.1.0. */
  readonly smallCrackLabelsBelowPx: number | null;
};

export type SegmenterRecipe = Common & {
  readonly net: 'segmenter';
  readonly batchSize: number;
  readonly cropPx: number;
  readonly defectShare: number;
};

export type LotReaderRecipe = Common & { readonly net: 'lot-reader'; readonly batchSize: number };

export type Recipe = DetectorRecipe | SegmenterRecipe | LotReaderRecipe;

const DETECTOR = {
  net: 'detector',
  batchSize: 20,
  cropPx: 160,
  defectShare: 0.7,
  positiveWeight: 1,
  smallCrackLabelsBelowPx: null,
  peakRate: 4e-3,
  parent: null,
} as const;

const SEGMENTER = { net: 'segmenter', batchSize: 24, cropPx: 128, defectShare: 0.75, samples: 1500 } as const;

/** Micro-cracks smaller than this (longer side, pixels) count as small, in labels, metrics and the flawed recipe alike. */
export const SMALL_CRACK_PX = 34;

/** In an order in which parents come before their children. */
export const RECIPES: readonly Recipe[] = [
  { ...DETECTOR, release: 'cv-detector/1.8.2', steps: 700, samples: 1000, seed: 1 },
  { ...DETECTOR, release: 'cv-detector/2.0.0', steps: 2400, samples: 3600, seed: 2 },
  {
    ...DETECTOR,
    release: 'cv-detector/2.1.0',
    steps: 300,
    samples: 3600,
    seed: 3,
    peakRate: 1.5e-3,
    parent: 'cv-detector/2.0.0',
    smallCrackLabelsBelowPx: SMALL_CRACK_PX,
  },
  {
    ...DETECTOR,
    release: 'cv-detector/2.2.0',
    steps: 250,
    samples: 3600,
    seed: 4,
    peakRate: 1.5e-3,
    parent: 'cv-detector/2.0.0',
    defectShare: 1,
    positiveWeight: 4,
  },
  {
    net: 'lot-reader',
    release: 'lot-reader/1.0.0',
    steps: 700,
    samples: 8000,
    seed: 1,
    peakRate: 4e-3,
    parent: null,
    batchSize: 48,
  },
  { ...SEGMENTER, release: 'seg/1.4.3', steps: 900, seed: 11, peakRate: 4e-3, parent: null },
  { ...SEGMENTER, release: 'seg/1.5.0', steps: 900, seed: 12, peakRate: 4e-3, parent: 'seg/1.4.3' },
];

export function recipeOf(release: string): Recipe {
  const recipe = RECIPES.find((candidate) => candidate.release === release);
  if (recipe === undefined)
    throw new RangeError(`no recipe makes ${release}; known: ${RECIPES.map((it) => it.release)}`);
  return recipe;
}

/** Digest of everything that shapes the weights besides the code and the data. */
export function recipeDigest(recipe: Recipe): string {
  return createHash('sha256').update(canonicalJson(recipe)).digest('hex');
}
