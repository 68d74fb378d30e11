// Where a place of the picture lies in the model's input frame, and back: region, fit and padding of the input contract
// as numbers. Pure. What preprocess does to pixels, this does to boxes.
import type { InputContract } from '../../shared/release/manifest.ts';
import { frameShapeOf } from './input-contract.ts';

export type PictureSize = { readonly width: number; readonly height: number };

/** x, y (top left), width, height in pixels. */
export type Box = readonly [number, number, number, number];

export type Region = PictureSize & { readonly left: number; readonly top: number };

/** The part of the picture that the contract uses: whole pixels, at least one, inside the picture. */
export function usedRegion(picture: PictureSize, roi: InputContract['roi']): Region {
  if (roi === undefined) return { left: 0, top: 0, width: picture.width, height: picture.height };
  const [x, y, w, h] = roi;
  const left = Math.min(picture.width - 1, Math.round(x * picture.width));
  const top = Math.min(picture.height - 1, Math.round(y * picture.height));
  return {
    left,
    top,
    width: Math.max(1, Math.min(picture.width - left, Math.round(w * picture.width))),
    height: Math.max(1, Math.min(picture.height - top, Math.round(h * picture.height))),
  };
}

/** A box of the picture in pixels of the input frame; what lies outside the frame stays outside. */
export function boxToInput([x, y, w, h]: Box, picture: PictureSize, contract: InputContract): Box {
  const { scaleX, scaleY, offsetX, offsetY } = viewOf(picture, contract);
  return [x * scaleX + offsetX, y * scaleY + offsetY, w * scaleX, h * scaleY];
}

/** A box of the input frame in pixels of the picture. */
export function boxToPicture([x, y, w, h]: Box, picture: PictureSize, contract: InputContract): Box {
  const { scaleX, scaleY, offsetX, offsetY } = viewOf(picture, contract);
  return [(x - offsetX) / scaleX, (y - offsetY) / scaleY, w / scaleX, h / scaleY];
}

/** Whether both contracts put every place of a picture at the same place of the frame. */
export function isSameView(a: InputContract, b: InputContract): boolean {
  const [one, other] = [frameShapeOf(a), frameShapeOf(b)];
  const isSameSize = one.width === other.width && one.height === other.height;
  return isSameSize && a.fit === b.fit && String(a.roi) === String(b.roi);
}

function viewOf(picture: PictureSize, contract: InputContract) {
  const part = usedRegion(picture, contract.roi);
  const shape = frameShapeOf(contract);
  const [x, y] = [shape.width / part.width, shape.height / part.height];
  const both = contract.fit === 'letterbox' ? Math.min(x, y) : Math.max(x, y);
  const [scaleX, scaleY] = contract.fit === 'stretch' ? [x, y] : [both, both];
  return {
    scaleX,
    scaleY,
    offsetX: (shape.width - part.width * scaleX) / 2 - part.left * scaleX,
    offsetY: (shape.height - part.height * scaleY) / 2 - part.top * scaleY,
  };
}
