// The sets of synthetic frames: which seeds, which mix of defects, and how one frame of a set is rendered.
// Sets never share a seed, so what judges a model was never shown to it in training.
import { DEFECT_CLASSES, type DefectMix, NOMINAL_MIX, TRAINING_MIX } from '../../../agent/frames/line/defects.ts';
import { FRAME_SIZE, sampleFrame } from '../../../agent/frames/line/scene.ts';

/** Width and height of every frame. */
export const FRAME_PX = FRAME_SIZE;

/** Raised when the line's generator draws or paints differently: other pixels under the same seeds are other data. */
export const SCENE_VERSION = 'line/2';

/**
 * SHA-256 over frame 0 of the training set and its mask. A generator that gives another one paints differently: the
 * committed releases still work, but their data cannot be made again.
 */
export const SCENE_FINGERPRINT = '0e2c30d8b2f47ed760cbfc67dd3150f0a547a1c309527b7e07ed4a043d82c5ea';

export const DEFECT_NAMES: readonly string[] = DEFECT_CLASSES;

/** A defect in the picture: class number, box in pixels, and the visible share. */
export type TruthBox = {
  readonly classId: number;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly visible: number;
};

/** `rgb` is interleaved; `mask` holds class number + 1, and 0 for sound surface. */
export type LabelledFrame = {
  readonly rgb: Uint8Array;
  readonly mask: Uint8Array;
  readonly boxes: readonly TruthBox[];
};

export type FrameSet = 'train' | 'calibrate' | 'held-out' | 'golden';

export const FRAME_SETS: Readonly<Record<FrameSet, { readonly seed: number; readonly mix: DefectMix }>> = {
  train: { seed: 1_000_000, mix: TRAINING_MIX },
  calibrate: { seed: 2_000_000, mix: NOMINAL_MIX },
  'held-out': { seed: 3_000_000, mix: NOMINAL_MIX },
  golden: { seed: 3_500_000, mix: TRAINING_MIX },
};

export function renderLabelled(set: FrameSet, index: number): LabelledFrame {
  const { seed, mix } = FRAME_SETS[set];
  return sampleFrame(seed + index, { mix });
}
