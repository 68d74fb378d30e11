// Tells a bad camera from a bad model: the statistics of the pixels against this camera's own reference. An unhealthy
// camera takes its device out of the comparison; it never accuses a release. Pure: state in, state out.
import type { Measured } from '../../shared/measure/quality.ts';
import type { HealthSample } from './outcome.ts';

export type HealthReference = HealthSample;

export type HealthState = {
  /** What this camera looks like when all is well; null while it is still being learned. */
  readonly reference: HealthReference | null;
  readonly learning: readonly HealthSample[];
  readonly recent: readonly HealthSample[];
};

export type CameraVerdict = {
  readonly lumaShift: number | null;
  readonly sharpnessRatio: number | null;
  readonly saturatedShare: number | null;
  readonly redBlueRatio: number | null;
  readonly healthy: boolean | null;
  readonly finding: string | null;
};

/** Samples that make a reference, and that speak for the present; below `SAMPLES_MIN` there is no verdict. */
export const REFERENCE_SAMPLES = 20;
const RECENT_SAMPLES = 10;
const SAMPLES_MIN = 5;
/** Measured on one kind of line under ten kinds of damage: each is far outside in its own way, and clean ones inside. */
const LUMA_SHIFT_MAX = 0.25;
const SHARPNESS_MIN = 0.75;
const SHARPNESS_MAX = 2;
const SATURATED_SHARE_MAX = 0.03;
const RED_BLUE_CHANGE_MAX = 0.15;
const STATIC_SHARE_MAX = 0.15;
const STATIC_DETECTIONS_MIN = 20;
/** A share below this is taken as this, so that an empty bin does not make the shift infinite. */
const SHARE_MIN = 0.001;

export function openHealth(reference: HealthReference | null): HealthState {
  return { reference, learning: [], recent: [] };
}

export function learnHealth(state: HealthState, sample: HealthSample): HealthState {
  // Another number of bins comes from another version of the source: nothing learned before compares with it.
  const known = state.reference ?? state.learning[0];
  if (known && known.lumaHistogram.length !== sample.lumaHistogram.length) return learnHealth(openHealth(null), sample);
  const recent = [...state.recent, sample].slice(-RECENT_SAMPLES);
  if (state.reference !== null || !isPlausible(sample)) return { ...state, recent };
  const learning = [...state.learning, sample];
  if (learning.length < REFERENCE_SAMPLES) return { ...state, learning, recent };
  return { reference: meanSample(learning), learning: [], recent };
}

/** `staticShare` is that of the detections of the baseline over the same period. */
export function judgeHealth(state: HealthState, staticShare: Measured): CameraVerdict {
  const verdict = judgePixels(state, staticShare);
  const frozenMs = state.recent.at(-1)?.frozenMs ?? null;
  if (frozenMs === null) return verdict;
  // One picture says nothing else about its camera, however good it looks.
  const finding = `the very same picture for ${Math.round(frozenMs / 1000)} s (has the camera or its encoder frozen?)`;
  return { ...verdict, healthy: false, finding };
}

function judgePixels(state: HealthState, staticShare: Measured): CameraVerdict {
  const current = state.recent.length < SAMPLES_MIN ? null : meanSample(state.recent);
  if (current === null) return NO_VERDICT;
  const { saturatedShare, redBlueRatio } = current;
  if (state.reference === null) return { ...NO_VERDICT, saturatedShare, redBlueRatio };
  const lumaShift = populationShift(state.reference.lumaHistogram, current.lumaHistogram);
  const sharpnessRatio = ratioOf(current.sharpness, state.reference.sharpness);
  const shown = { lumaShift, sharpnessRatio, saturatedShare, redBlueRatio };
  const findings = findingsOf(shown, state.reference, staticShare);
  return { ...shown, healthy: findings.length === 0, finding: findings.length === 0 ? null : findings.join('; ') };
}

/** Population stability index of two distributions over the same bins: 0 = the same. */
export function populationShift(reference: readonly number[], current: readonly number[]): number {
  return reference.reduce((sum, share, bin) => {
    const [a, b] = [Math.max(share, SHARE_MIN), Math.max(current[bin] ?? 0, SHARE_MIN)];
    return sum + (b - a) * Math.log(b / a);
  }, 0);
}

/** Too few samples to say anything. */
export const NO_VERDICT: CameraVerdict = {
  lumaShift: null,
  sharpnessRatio: null,
  saturatedShare: null,
  redBlueRatio: null,
  healthy: null,
  finding: null,
};

type Shown = {
  readonly lumaShift: number;
  readonly sharpnessRatio: number;
  readonly saturatedShare: number;
  readonly redBlueRatio: number | null;
};

function findingsOf(shown: Shown, reference: HealthReference, staticShare: Measured): readonly string[] {
  // A picture without any blue cannot tell: no change of colour is claimed.
  const colour = ratioOf(shown.redBlueRatio ?? 0, shown.redBlueRatio === null ? 0 : (reference.redBlueRatio ?? 0));
  const saturatedMax = SATURATED_SHARE_MAX + reference.saturatedShare;
  const stays = staticShare.value ?? 0;
  const checks: readonly (readonly [boolean, string])[] = [
    [
      shown.lumaShift > LUMA_SHIFT_MAX,
      `brightness has shifted (PSI ${shown.lumaShift.toFixed(2)} > ${LUMA_SHIFT_MAX})`,
    ],
    [shown.sharpnessRatio < SHARPNESS_MIN, `blurred (sharpness ×${shown.sharpnessRatio.toFixed(2)} of its reference)`],
    [shown.sharpnessRatio > SHARPNESS_MAX, `noisy (sharpness ×${shown.sharpnessRatio.toFixed(2)} of its reference)`],
    [shown.saturatedShare > saturatedMax, `overexposed (${asPct(shown.saturatedShare)} of the pixels saturated)`],
    [
      Math.abs(colour - 1) > RED_BLUE_CHANGE_MAX,
      `colour has shifted (red/blue ×${colour.toFixed(2)} of its reference)`,
    ],
    [
      stays > STATIC_SHARE_MAX && staticShare.count >= STATIC_DETECTIONS_MIN,
      `${asPct(stays)} of the detections stay in place while the line moves (dirt on the lens?)`,
    ],
  ];
  return checks.filter(([found]) => found).map(([, sentence]) => sentence);
}

// A blank or blinded picture is no reference for anything, and one that stands still only for itself.
function isPlausible(sample: HealthSample): boolean {
  return (sample.frozenMs ?? null) === null && sample.saturatedShare <= SATURATED_SHARE_MAX && sample.sharpness > 1;
}

function meanSample(samples: readonly HealthSample[]): HealthSample {
  const bins = samples[0]?.lumaHistogram.length ?? 0;
  return {
    lumaHistogram: Array.from({ length: bins }, (_, bin) => mean(samples.map((s) => s.lumaHistogram[bin] ?? 0))),
    sharpness: mean(samples.map((s) => s.sharpness)),
    saturatedShare: mean(samples.map((s) => s.saturatedShare)),
    redBlueRatio: meanOfKnown(samples.map((s) => s.redBlueRatio)),
  };
}

function meanOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : mean(known);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function ratioOf(current: number, reference: number): number {
  return reference > 0 ? current / reference : 1;
}

function asPct(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
