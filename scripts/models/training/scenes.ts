// The sets of synthetic frames: which seeds, which mix of defects, and how one frame of a set is rendered.
// Sets never share a seed, so what judges a model was never shown to it in training.
import { DEFECT_CLASSES, type DefectMix, NOMINAL_MIX, TRAINING_MIX } from '../../../agent/frames/line/defects.ts';
import { sampleFrame } from '../../../agent/frames/line/scene.ts';
import type { LabelledFrame } from './frames.ts';

/** Raised when the line's generator draws or paints differently: other pixels under the same seeds are other data. */
export const SCENE_VERSION = 'line/2';

export const DEFECT_NAMES: readonly string[] = DEFECT_CLASSES;

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
