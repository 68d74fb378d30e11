// The held-out set of a task: what release metrics are measured on. In-distribution only: the same synthetic line and
// the same spread of conditions as in training, other seeds.
import { truthOf } from '../golden-sets.ts';
import { readFrames } from '../training/frames.ts';
import { readStrips } from '../training/strips.ts';
import type { Sample } from './judge.ts';

export const HELD_OUT_FRAMES = 400;
export const HELD_OUT_STRIPS = 1000;

/** Goes with every number: an accuracy without it would be read as a promise about a real line. */
export const HELD_OUT_NOTE =
  'Measured on synthetic frames from the distribution the model was trained on; it says nothing about a real line.';

export function readHeldOut(task: string, cacheDir: string): readonly Sample[] {
  if (task === 'ocr') {
    return readStrips('held-out', HELD_OUT_STRIPS).map(({ grey, text }) => ({ picture: grey, text, truths: [] }));
  }
  const frames = readFrames({ set: 'held-out', count: HELD_OUT_FRAMES, cacheDir });
  return frames.map(({ rgb, mask, boxes }) => ({ picture: rgb, mask, truths: boxes.map(truthOf) }));
}

export function heldOutName(task: string): string {
  return task === 'ocr' ? `held-out-${HELD_OUT_STRIPS}-strips` : `held-out-${HELD_OUT_FRAMES}-frames`;
}
