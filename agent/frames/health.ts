// What a picture says about its camera: light, sharpness, clipping, colour cast. Pure. These tell a bad camera from a
// bad model: they move when the light or the lens does, and do not move when the model does.
import { z } from 'zod';

export const healthSchema = z.looseObject({
  /** Mean brightness, 0..255. */
  luma: z.number(),
  /** Shares of pixels by brightness, sixteen steps from dark to bright; they sum to 1. */
  lumaHistogram: z.array(z.number()).length(16),
  /** Variance of the Laplacian: falls when the lens loses focus, rises with noise. */
  sharpness: z.number(),
  /** Share of pixels brighter than 250. */
  saturatedShare: z.number(),
  /** Mean red over mean blue; null when there is no blue at all. */
  redBlueRatio: z.number().nullable(),
  /** How long the camera has given the very same picture; not said of sources that are no camera. */
  unchangedMs: z.number().nonnegative().optional(),
});

export type CameraHealth = z.infer<typeof healthSchema>;

/** Longest side of the picture that is judged: enough for sharpness, cheap enough for once a second. */
export const HEALTH_SIDE_PX = 256;

const SATURATED_ABOVE = 250;

/** `rgb`: three bytes a pixel. */
export function judgePicture(rgb: Uint8Array, width: number, height: number): CameraHealth {
  const pixels = width * height;
  const luma = new Float32Array(pixels);
  const histogram = new Array<number>(16).fill(0);
  let sum = 0;
  let red = 0;
  let blue = 0;
  let saturated = 0;
  for (let i = 0; i < pixels; i++) {
    const r = rgb[3 * i]!;
    const b = rgb[3 * i + 2]!;
    const y = 0.299 * r + 0.587 * rgb[3 * i + 1]! + 0.114 * b;
    luma[i] = y;
    sum += y;
    red += r;
    blue += b;
    histogram[Math.min(15, y >> 4)]! += 1;
    if (y > SATURATED_ABOVE) saturated += 1;
  }
  return {
    luma: sum / pixels,
    lumaHistogram: histogram.map((count) => count / pixels),
    sharpness: laplacianVariance(luma, width, height),
    saturatedShare: saturated / pixels,
    redBlueRatio: blue === 0 ? null : red / blue,
  };
}

/** Over every second pixel each way; 0 for a picture too small to have an inside. */
function laplacianVariance(luma: Float32Array, width: number, height: number): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y += 2) {
    for (let x = 1; x < width - 1; x += 2) {
      const i = y * width + x;
      const value = luma[i - 1]! + luma[i + 1]! + luma[i - width]! + luma[i + width]! - 4 * luma[i]!;
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
