// Where the colours of a pixel lie in a model-ready frame, whatever the layout and the order of colours. Pure.
import type { InputContract } from '../../shared/release/manifest.ts';
import { frameShapeOf } from './input-contract.ts';

/** From the pixel's place on; `step`: how far it is to the next pixel. */
export type Planes = { readonly step: number; readonly red: number; readonly green: number; readonly blue: number };

export function planesOf(contract: InputContract): Planes {
  const { width, height, channels } = frameShapeOf(contract);
  if (channels === 1) return { step: 1, red: 0, green: 0, blue: 0 };
  const [step, apart] = contract.layout === 'NHWC' ? [channels, 1] : [1, width * height];
  const [first, last] = [0, 2 * apart];
  const [red, blue] = contract.color === 'bgr' ? [last, first] : [first, last];
  return { step, red, green: apart, blue };
}

/** Three bytes a pixel, red first, row by row from the top. */
export function pixelsOf(frame: Uint8Array, contract: InputContract): Uint8Array {
  const { width, height } = frameShapeOf(contract);
  const { step, red, green, blue } = planesOf(contract);
  const pixels = new Uint8Array(width * height * 3);
  for (let to = 0, from = 0; to < pixels.length; to += 3, from += step) {
    pixels[to] = frame[from + red] ?? 0;
    pixels[to + 1] = frame[from + green] ?? 0;
    pixels[to + 2] = frame[from + blue] ?? 0;
  }
  return pixels;
}
