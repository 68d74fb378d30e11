// The catalogue of Belay's demo releases: what each claims, where its bytes come from, and how its answers are decoded.
// Flawed releases are flawed on purpose (their changelogs say what their makers believed); `purpose` says the truth.
import type { Manifest } from '../../shared/release/manifest.ts';
import { CHARACTERS } from './training/strips.ts';

/** Where a release's model comes from. `of` is another catalogue folder that must be made first. */
export type Source =
  | { readonly kind: 'trained' }
  | { readonly kind: 'permuted'; readonly of: string; readonly order: readonly number[] }
  | { readonly kind: 'flips-averaged'; readonly of: string }
  | { readonly kind: 'quantised'; readonly of: string }
  | { readonly kind: 'same-model'; readonly of: string };

export type CatalogueEntry = {
  /** `<model name>/<folder>`; the folder is the version, but for releases that claim a wrong one. */
  readonly folder: string;
  readonly version: string;
  readonly source: Source;
  /** What this release is for in demos and tests; kept out of the manifest, which only knows what its maker claimed. */
  readonly purpose: string;
  readonly changelog: string;
  readonly parent: string | null;
  readonly createdAt: string;
  readonly labels: readonly string[];
  readonly postprocess: Manifest['postprocess'];
  readonly compat?: Manifest['compat'];
};

const DEFECTS = ['scratch', 'dent', 'micro-crack', 'spill'] as const;
/** The order in which the retrained labelling tool listed the classes. */
const REVERSED_ORDER = [3, 2, 1, 0] as const;
const REVERSED = REVERSED_ORDER.map((index) => DEFECTS[index] ?? '');

export const SCORE_MIN = 0.4;

const detection: Manifest['postprocess'] = {
  type: 'detection',
  decoder: 'yolov8',
  box: 'cxcywh',
  coords: 'input-px',
  score: SCORE_MIN,
  iou: 0.45,
  classAgnostic: false,
  max: 100,
};

const segmentation: Manifest['postprocess'] = {
  type: 'segmentation',
  decoder: 'probs',
  background: 0,
  minAreaPx: 12,
  connectivity: 8,
};

/** A region counts only when its mean probability reaches this: fewer false alarms, and faint cracks go with them. */
const STRICT_SCORE = 0.87;

const detector = { labels: DEFECTS, postprocess: detection, parent: '2.0.0' } as const;
const segmenter = { labels: ['ok', ...DEFECTS], postprocess: segmentation } as const;

/** Sources come before what is made from them. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    ...detector,
    folder: 'cv-detector/1.8.2',
    version: '1.8.2',
    source: { kind: 'trained' },
    parent: null,
    createdAt: '2026-02-03T09:00:00Z',
    purpose: 'baseline: works, but misses scratches and cracks',
    changelog: 'Baseline of the line: 1,000 labelled frames.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.0.0',
    version: '2.0.0',
    source: { kind: 'trained' },
    parent: '1.8.2',
    createdAt: '2026-04-14T09:00:00Z',
    purpose: 'candidate that is better in every class at the same cost',
    changelog: 'Retrained on 3,600 labelled frames; same graph, same latency.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.1.0',
    version: '2.1.0',
    source: { kind: 'trained' },
    createdAt: '2026-05-05T09:00:00Z',
    purpose: 'regression that averages hide: labels of small micro-cracks were lost',
    changelog: 'Fine-tuned after a clean-up of the annotations.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.2.0',
    version: '2.2.0',
    source: { kind: 'trained' },
    createdAt: '2026-05-19T09:00:00Z',
    purpose: 'regression that mAP cannot see: false alarms on sound parts',
    changelog: 'Fine-tuned on hard defects for higher recall.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.3.0',
    version: '2.3.0',
    source: { kind: 'flips-averaged', of: 'cv-detector/2.0.0' },
    createdAt: '2026-05-26T09:00:00Z',
    purpose: 'latency regression: test-time augmentation left on, three times the compute',
    changelog: 'Answers averaged over flipped pictures for stability.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.4.0',
    version: '2.4.0',
    source: { kind: 'quantised', of: 'cv-detector/2.0.0' },
    createdAt: '2026-06-02T09:00:00Z',
    purpose: 'equivalent candidate: INT8, a quarter of the size',
    changelog: 'INT8 weights and activations of 2.0.0.',
  },
  {
    ...detector,
    folder: 'cv-detector/2.0.1-mislabelled',
    version: '2.0.1',
    source: { kind: 'permuted', of: 'cv-detector/2.0.0', order: REVERSED_ORDER },
    labels: REVERSED,
    createdAt: '2026-04-21T09:00:00Z',
    purpose: 'breaks the version rule: the label order changed, so it must be MAJOR, yet it claims to be a PATCH',
    changelog: 'Drop-in replacement for 2.0.0.',
    compat: { replaces: '>=2.0 <3' },
  },
  {
    ...detector,
    folder: 'cv-detector/3.0.0',
    version: '3.0.0',
    source: { kind: 'permuted', of: 'cv-detector/2.0.0', order: REVERSED_ORDER },
    labels: REVERSED,
    createdAt: '2026-06-09T09:00:00Z',
    purpose: 'the honest twin of 2.0.1: the same change, declared as MAJOR with a label map',
    changelog: 'Label order changed to that of the labelling tool; names are unchanged.',
    compat: { replaces: '>=2.0 <3', labelMap: Object.fromEntries(DEFECTS.map((label) => [label, label])) },
  },
  {
    ...segmenter,
    folder: 'seg/1.4.3',
    version: '1.4.3',
    source: { kind: 'trained' },
    parent: null,
    createdAt: '2026-03-10T09:00:00Z',
    purpose: 'baseline segmenter',
    changelog: 'Baseline of the line: 1,500 labelled frames.',
  },
  {
    ...segmenter,
    folder: 'seg/1.4.4',
    version: '1.4.4',
    source: { kind: 'same-model', of: 'seg/1.4.3' },
    parent: '1.4.3',
    createdAt: '2026-04-28T09:00:00Z',
    postprocess: {
      ...segmentation,
      thresholdPerClass: Object.fromEntries(DEFECTS.map((label) => [label, STRICT_SCORE])),
    },
    purpose: 'stricter post-processing: fewer false alarms, and the faint cracks are gone with them',
    changelog: 'Same model, stricter thresholds: fewer false alarms.',
  },
  {
    ...segmenter,
    folder: 'seg/1.5.0',
    version: '1.5.0',
    source: { kind: 'trained' },
    parent: '1.4.3',
    createdAt: '2026-05-12T09:00:00Z',
    purpose: 'better segmenter at the same cost',
    changelog: 'Trained for another 900 steps.',
  },
  {
    folder: 'lot-reader/1.0.0',
    version: '1.0.0',
    source: { kind: 'trained' },
    parent: null,
    createdAt: '2026-03-24T09:00:00Z',
    labels: ['lot-code'],
    postprocess: {
      type: 'ocr',
      decoder: 'ctc-greedy',
      charset: ['<blank>', ...CHARACTERS],
      blank: 0,
      axes: 'NTC',
      minConfidence: 0.6,
      pattern: '^[A-Z][0-9]-[A-Z0-9]{5}$',
    },
    purpose: 'reads lot codes',
    changelog: 'Baseline of the line: 8,000 strips.',
  },
];

export function entryOf(folder: string): CatalogueEntry {
  const entry = CATALOGUE.find((candidate) => candidate.folder === folder);
  if (entry === undefined) throw new RangeError(`no release is made into ${folder}`);
  return entry;
}

/** `cv-detector/2.0.0` → `cv-detector`. */
export function modelNameOf(entry: CatalogueEntry): string {
  return entry.folder.split('/')[0] ?? '';
}

/** The catalogue entry whose training data and recipe stand behind this one. */
export function trainedOriginOf(entry: CatalogueEntry): CatalogueEntry {
  return entry.source.kind === 'trained' ? entry : trainedOriginOf(entryOf(entry.source.of));
}
