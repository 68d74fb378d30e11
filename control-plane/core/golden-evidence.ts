// Golden self-tests of candidate and baseline, once per hardware class: every device of a class saw the same pictures,
// so n devices are not n independent pieces of evidence.
import type { GoldenScore } from '../../shared/protocol/golden-score.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import { sum } from './device-metrics.ts';
import { type PixelShare, pixelShare } from './golden-pixels.ts';

/** Scores of one device; null where it has not proven that release. */
export type GoldenDevice = {
  readonly device: string;
  readonly hardwareClass: string;
  /** Exposed to the candidate in this stage: its class must have evidence. */
  readonly isCandidate: boolean;
  readonly candidate: readonly GoldenScore[] | null;
  readonly baseline: readonly GoldenScore[] | null;
  readonly site?: string;
  /** How long each release took to its first answer, in ms, at each of its starts. */
  readonly coldStarts?: { readonly candidate: readonly number[]; readonly baseline: readonly number[] };
  /** Labelled pictures that each release was tried on. */
  readonly images?: { readonly candidate: number; readonly baseline: number };
};

/** A share 0..1 and the number of objects (or answers) behind it. */
export type GoldenValue = {
  readonly share: number;
  readonly objects: number;
  /** Of one object, where it is more than found or not. */
  readonly variance?: number;
  /** It is of pixels; absent: of boxes, or of objects. */
  readonly pixels?: PixelShare;
};

export type GoldenClass = {
  readonly hardwareClass: string;
  readonly devices: number;
  readonly candidate: GoldenValue | null;
  readonly baseline: GoldenValue | null;
  /** Labelled objects asked for; 0 without evidence. */
  readonly objects: number;
  /** Labelled pictures behind it. */
  readonly images?: { readonly candidate: number; readonly baseline: number };
};

/** One entry per hardware class that has candidate devices. A baseline score of any device of the class will do. */
export function goldenClasses(expression: Expression, devices: readonly GoldenDevice[]): readonly GoldenClass[] {
  const names = new Set(devices.filter(({ isCandidate }) => isCandidate).map(({ hardwareClass }) => hardwareClass));
  return [...names].sort().map((hardwareClass) => {
    const members = devices.filter((device) => device.hardwareClass === hardwareClass);
    const proven = members.filter(({ isCandidate, candidate }) => isCandidate && candidate !== null);
    const { candidate, baseline } = valuesOf(expression, {
      candidate: proven.map((device) => device.candidate),
      baseline: members.map((device) => device.baseline),
    });
    return {
      hardwareClass,
      devices: proven.length,
      candidate,
      baseline,
      objects: Math.min(candidate?.objects ?? 0, baseline?.objects ?? 0),
      images: {
        candidate: Math.max(0, ...proven.map(({ images }) => images?.candidate ?? 0)),
        baseline: Math.max(0, ...members.map(({ images }) => images?.baseline ?? 0)),
      },
    };
  });
}

type Scores = readonly (readonly GoldenScore[] | null)[];
type Arms<T> = { readonly candidate: T; readonly baseline: T };

/** Pixels where both releases were scored by them; else boxes for both: the one says nothing about the other. */
function valuesOf(expression: Expression, { candidate, baseline }: Arms<Scores>): Arms<GoldenValue | null> {
  const boxes = (scores: Scores) => pool(scores.map((each) => goldenValue(each, expression)));
  const all = { candidate: boxes(candidate), baseline: boxes(baseline) };
  const tried = candidate.filter((scores) => scores !== null);
  const pixels = tried.map((scores) => pixelShare(scores, expression)).filter((share) => share !== null);
  const before = baseline.map((scores) => pixelShare(scores, expression)).find((share) => share !== null) ?? null;
  const [own] = pixels;
  if (own === undefined || pixels.length < tried.length || (before === null && all.baseline !== null)) return all;
  const share = sum(pixels, (each) => each.share) / pixels.length;
  return {
    candidate: inPixels(all.candidate, { ...own, share }),
    baseline: before === null ? null : inPixels(all.baseline, before),
  };
}

function inPixels(value: GoldenValue | null, pixels: PixelShare): GoldenValue | null {
  return value && { share: pixels.share, objects: value.objects, pixels };
}

/** Mean over the devices of a class that were scored on the largest set; the number of objects stays that of one device. */
function pool(values: readonly (GoldenValue | null)[]): GoldenValue | null {
  const known = values.filter((value) => value !== null);
  const objects = Math.max(0, ...known.map((value) => value.objects));
  const fullest = known.filter((value) => value.objects === objects);
  if (objects === 0) return null;
  const variance = fullest[0]?.variance;
  const share = sum(fullest, (value) => value.share) / fullest.length;
  return { share, objects, ...(variance === undefined ? {} : { variance }) };
}

function goldenValue(scores: readonly GoldenScore[] | null, expression: Expression): GoldenValue | null {
  const score = scores?.find(
    (each) => each.class === (expression.class ?? '*') && each.size === (expression.size ?? 'all'),
  );
  if (!score) return null;
  if (expression.metric === 'map50') return score.ap50 === null ? null : { share: score.ap50, objects: score.objects };
  if (expression.metric === 'iou') return iouOf(score);
  const objects = expression.metric === 'precision' ? score.found + score.falseAlarms : score.objects;
  return objects === 0 ? null : { share: score.found / objects, objects };
}

/** Mean overlap with what was asked for, nothing where it was missed; null where an older agent did not measure it. */
function iouOf({ iouSum, iouSquares, objects }: GoldenScore): GoldenValue | null {
  if (iouSum == null || iouSquares == null || objects === 0) return null;
  const share = iouSum / objects;
  return { share, objects, variance: Math.max(0, iouSquares / objects - share ** 2) };
}
