// What a simulated candidate does to a device: to its frames, on labelled pictures, beside the baseline on the same frames, to its
// memory; and the reports and windows in which that shows. Baselines are alike everywhere, candidates differ by what is said here.

import type { Random } from '../../../control-plane/core/random.ts';
import type { FleetDevice } from '../../../control-plane/simulation/fleet.ts';
import { reportOf } from '../../../control-plane/simulation/reports.ts';
import type { Treatment } from '../../../control-plane/simulation/treatments.ts';
import { BASELINE_DIGEST, CANDIDATE_DIGEST } from '../../../control-plane/simulation/windows.ts';
import type { Paired, Window } from '../../../shared/measure/window.ts';
import type { GoldenScore } from '../../../shared/protocol/golden-score.ts';
import type { Reported } from '../../../shared/protocol/reports.ts';

/** By class, `*` for all: so much more or less of each score than the baseline has, as shares. */
export type GoldenShift = Readonly<
  Record<string, Readonly<Partial<Record<'recall' | 'precision' | 'map50' | 'iou', number>>>>
>;

export type Candidate = {
  readonly treatment: Treatment;
  readonly golden: GoldenShift;
  /** Only devices of this hardware class score so; absent: all. */
  readonly goldenOn?: string;
  /** Shares of the objects of which the baseline is sure. */
  readonly paired: { readonly lost: number; readonly gained: number; readonly wrongClass: number };
  /** What it changes in figures that people bring in. */
  readonly business: { readonly costShare: number; readonly falseAlertShare: number };
  /** Memory of the model over the baseline's. */
  readonly memoryShare: number;
  /** Share of devices that go back by themselves, so long after they took it. */
  readonly revertShare: number;
  readonly revertAfterMinutes: number;
};

const USUAL = { recall: 0.9, precision: 0.92, map50: 0.85, iou: 0.8 } as const;
const OBJECTS = 12_000;
const IOU_SPREAD = 0.1;
const STARTS_MS = [900, 880, 890, 910, 920] as const;
const CONFIDENT_PER_FRAME = 0.4;
const SAMPLED_FRAMES = 60;
const BASELINE_RSS = 300_000_000;
const RSS_SPREAD = 0.02;
const FLICKERS_PER_WINDOW = 4;

export type Placed = {
  readonly device: FleetDevice;
  readonly random: Random;
  readonly candidate: Candidate;
  readonly labels: readonly string[];
};

/** A report with the proofs that the device has, in the role that it is in. */
export function reportIn(
  role: 'none' | 'prove' | 'shadow' | 'serve',
  { device, candidate, labels }: Placed,
  atMs: number,
): Reported {
  const plain = reportOf(device, role === 'serve' ? 'candidate' : 'baseline', atMs);
  const isShifted = candidate.goldenOn === undefined || candidate.goldenOn === device.hardwareClass;
  const proof = (digest: string, scores: readonly GoldenScore[]) => ({
    ...{ digest, release: 'simulated:1.0.0', passed: true, reason: 'fine', atMs, frames: OBJECTS },
    ...{ loadMs: 800, coldStartMs: STARTS_MS[0], coldStartsMs: [...STARTS_MS], scores: [...scores] },
  });
  const proofs = [
    proof(BASELINE_DIGEST, scoresOf(labels, {})),
    ...(role === 'none' ? [] : [proof(CANDIDATE_DIGEST, scoresOf(labels, isShifted ? candidate.golden : {}))]),
  ];
  const shadow = {
    release: 'simulated:2.0.0',
    digest: CANDIDATE_DIGEST,
    role: 'shadow',
    state: 'shadow',
    provider: null,
  };
  return role === 'shadow' ? { ...plain, proofs, phase: 'shadow', candidate: shadow } : { ...plain, proofs };
}

function scoresOf(labels: readonly string[], shift: GoldenShift): readonly GoldenScore[] {
  return ['*', ...labels].flatMap((label) =>
    (['all', 'small', 'large'] as const).map((size) => scoreOf(label, size, { ...shift['*'], ...shift[label] })),
  );
}

function scoreOf(label: string, size: GoldenScore['size'], shift: GoldenShift[string]): GoldenScore {
  const { recall, precision, map50, iou } = {
    recall: USUAL.recall + (shift.recall ?? 0),
    precision: USUAL.precision + (shift.precision ?? 0),
    map50: USUAL.map50 + (shift.map50 ?? 0),
    iou: USUAL.iou + (shift.iou ?? 0),
  };
  const found = Math.round(OBJECTS * recall);
  const falseAlarms = Math.round(found / precision - found);
  const iouSquares = OBJECTS * (iou ** 2 + IOU_SPREAD ** 2);
  return { class: label, size, objects: OBJECTS, found, falseAlarms, ap50: map50, iouSum: OBJECTS * iou, iouSquares };
}

/** A window as it is made for speed and errors, with what else is seen of the models. */
export function dress(window: Window, role: 'none' | 'prove' | 'shadow' | 'serve', placed: Placed): Window {
  const { random, candidate, labels } = placed;
  const arms = window.arms.map((arm) => {
    const memory = arm.digest === CANDIDATE_DIGEST ? 1 + candidate.memoryShare : 1;
    const byClass = Object.fromEntries(
      labels.map((label) => [label, Math.round(arm.proxies.detections / labels.length)]),
    );
    const flickers = random.int(FLICKERS_PER_WINDOW - 2, FLICKERS_PER_WINDOW + 2);
    const scoreSum = arm.proxies.detections * random.between(0.69, 0.71);
    return {
      ...arm,
      rssBytes: Math.round(BASELINE_RSS * memory * (1 + random.between(-RSS_SPREAD, RSS_SPREAD))),
      proxies: { ...arm.proxies, byClass, flickers, scoreSum },
    };
  });
  if (role !== 'shadow') return { ...window, arms };
  const [serving] = arms;
  const shadow = serving
    ? [
        {
          ...serving,
          digest: CANDIDATE_DIGEST,
          role: 'shadow' as const,
          frames: SAMPLED_FRAMES,
          answered: SAMPLED_FRAMES,
          errors: {},
        },
      ]
    : [];
  return { ...window, arms: [...arms, ...shadow], paired: pairedOf(placed) };
}

function pairedOf({ random, candidate, labels }: Placed): Paired {
  const seen = Math.round(SAMPLED_FRAMES * CONFIDENT_PER_FRAME);
  const of = (share: number) => Array.from({ length: seen }, () => random.chance(share)).filter(Boolean).length;
  const classes = labels.map((label) => {
    const [lost, gained, wrongClass] = [
      of(candidate.paired.lost),
      of(candidate.paired.gained),
      of(candidate.paired.wrongClass),
    ];
    return {
      class: label,
      baselineConfident: seen,
      lost,
      wrongClass,
      candidateConfident: seen - lost + gained,
      gained,
    };
  });
  const boxes = { baselineBoxes: 100, baselineBorderline: 20, candidateBoxes: 100, candidateBorderline: 20 };
  const digests = { baselineDigest: BASELINE_DIGEST, candidateDigest: CANDIDATE_DIGEST };
  return { ...digests, frames: SAMPLED_FRAMES, offered: SAMPLED_FRAMES, classes, ...boxes };
}
