// Training crops: square cut-outs biased towards defects, with photometric augmentation. Crops cost a quarter of whole
// frames per step, and most of a frame is belt.
import type { Random } from '../../../agent/frames/line/random.ts';
import { PIXEL_SHIFT } from './freeze.ts';
import { FRAME_PX, type LabelledFrame } from './scenes.ts';

export type CropPlan = {
  readonly sizePx: number;
  /** Share of crops that are centred near a defect, when the frame has one. */
  readonly defectShare: number;
};

export type Crop = { readonly frame: LabelledFrame; readonly left: number; readonly top: number };

/** With `mustHaveDefect` (the recipe that never shows a clean part), frames without defects are drawn again. */
export function drawCrop(random: Random, frames: readonly LabelledFrame[], plan: CropPlan): Crop {
  const frame = drawFrame(random, frames, plan);
  let centreX = random.range(0, FRAME_PX);
  let centreY = random.range(0, FRAME_PX);
  if (frame.boxes.length > 0 && random.chance(plan.defectShare)) {
    const box = random.pick(frame.boxes);
    const reach = plan.sizePx / 3;
    centreX = box.x + box.w / 2 + random.range(-reach, reach);
    centreY = box.y + box.h / 2 + random.range(-reach, reach);
  }
  return { frame, left: corner(centreX, plan.sizePx), top: corner(centreY, plan.sizePx) };
}

const FRAME_DRAWS_MAX = 50;

function drawFrame(random: Random, frames: readonly LabelledFrame[], plan: CropPlan): LabelledFrame {
  let frame = random.pick(frames);
  for (let draw = 1; plan.defectShare === 1 && frame.boxes.length === 0 && draw < FRAME_DRAWS_MAX; draw++) {
    frame = random.pick(frames);
  }
  return frame;
}

function corner(centre: number, sizePx: number): number {
  return Math.floor(Math.max(0, Math.min(FRAME_PX - sizePx, centre - sizePx / 2)));
}

/** Writes a crop as normalised NCHW planes at `slot` of a batch: exposure ±15 %, per-channel ±4 %, offset ±0.04. */
export function writeCropPixels(
  random: Random,
  crop: Crop,
  into: { batch: Float32Array; slot: number; sizePx: number },
) {
  const { batch, slot, sizePx } = into;
  const gain = 1 + random.range(-0.15, 0.15);
  const offset = random.range(-0.04, 0.04);
  for (let channel = 0; channel < 3; channel++) {
    const scale = (gain * (1 + random.range(-0.04, 0.04))) / 255;
    let to = (slot * 3 + channel) * sizePx * sizePx;
    for (let y = 0; y < sizePx; y++) {
      let from = ((crop.top + y) * FRAME_PX + crop.left) * 3 + channel;
      for (let x = 0; x < sizePx; x++, from += 3) {
        const value = crop.frame.rgb[from]! * scale + offset;
        batch[to++] = Math.max(0, Math.min(1, value)) * 4 + PIXEL_SHIFT;
      }
    }
  }
}
