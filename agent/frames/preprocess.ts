// From a camera picture to a model-ready frame: crop, fit, pad, colour order and layout of the input contract, as bytes.
// Runs in the source process (and in the model tools, so that proof, training checks and traffic see the same pixels).
import sharp, { type FitEnum, type Sharp } from 'sharp';
import type { InputContract } from '../../shared/release/manifest.ts';
import { type PictureSize, usedRegion } from './geometry.ts';
import { giveBack } from './give-back.ts';
import { type FrameShape, frameShapeOf } from './input-contract.ts';

/** JPEG or PNG bytes, or pixels as they are when `raw` says their size. */
export type Picture = {
  readonly bytes: Uint8Array;
  readonly raw?: { readonly width: number; readonly height: number; readonly channels: 1 | 3 | 4 };
};

/** A 48-megapixel camera is the largest we have met; more is a decompression bomb. */
export const PICTURE_PIXELS_MAX = 64_000_000;

const FIT: Readonly<Record<InputContract['fit'], keyof FitEnum>> = {
  letterbox: 'contain',
  stretch: 'fill',
  cover: 'cover',
};

/** libvips averages over the area whenever it shrinks, with every kernel but nearest. */
const KERNEL = { linear: 'linear', area: 'linear', nearest: 'nearest' } as const;

/** Reads only the head of a compressed picture. Rejects on a broken one. */
export async function pictureSizeOf(picture: Picture): Promise<PictureSize> {
  const { width, height } = picture.raw ?? (await openPicture(picture).metadata());
  return { width, height };
}

/** The frame as the contract wants it. A picture that already has the input's size is not resampled. Rejects on a broken picture. */
export async function preprocess(picture: Picture, contract: InputContract, size?: PictureSize): Promise<Uint8Array> {
  const shape = frameShapeOf(contract);
  const isReady = picture.raw !== undefined && isModelReady(picture.raw, contract, shape);
  if (isReady) return picture.bytes;
  const pipeline = fit(picture, size ?? (await pictureSizeOf(picture)), contract, shape);
  const { data } = await toColours(pipeline, shape).raw().toBuffer({ resolveWithObject: true });
  if (data.byteLength !== shape.width * shape.height * shape.channels)
    throw new RangeError(`a picture became ${data.byteLength} bytes, the contract takes ${contract.shape}`);
  return inOrderOf(contract, data, shape);
}

/**
 * The frame of a compressed picture that is thought to have the input's size already, without asking for its size first: that
 * costs a quarter of decoding a small one. Null: it has another size or other channels. Rejects on a broken picture.
 */
export async function decodeAsSized(picture: Picture, contract: InputContract): Promise<Uint8Array | null> {
  const shape = frameShapeOf(contract);
  const { data, info } = await openPicture(picture).raw().toBuffer({ resolveWithObject: true });
  const isAsThought = info.width === shape.width && info.height === shape.height && info.channels === shape.channels;
  return isAsThought ? inOrderOf(contract, data, shape) : null;
}

/** Whether a picture of this size is taken by the contract as it is. */
export function isInputSize(size: PictureSize, contract: InputContract): boolean {
  const { width, height } = frameShapeOf(contract);
  return contract.roi === undefined && size.width === width && size.height === height;
}

/** Opens a picture with the limits that every picture from outside is opened with. */
export function openPicture(picture: Picture): Sharp {
  const limits = { limitInputPixels: PICTURE_PIXELS_MAX, failOn: 'error' as const, sequentialRead: true };
  return sharp(picture.bytes, picture.raw ? { ...limits, raw: picture.raw } : limits);
}

/** One thread and no cache: the source process must not take cores from the models, nor grow. */
export function restrainImageLibrary(): void {
  sharp.cache(false);
  sharp.concurrency(1);
}

function isModelReady(raw: NonNullable<Picture['raw']>, contract: InputContract, shape: FrameShape): boolean {
  const isSameShape = raw.width === shape.width && raw.height === shape.height && raw.channels === shape.channels;
  const isSameOrder = contract.color !== 'bgr' && (contract.layout === 'NHWC' || shape.channels === 1);
  return isSameShape && isSameOrder && contract.roi === undefined;
}

function fit(picture: Picture, whole: PictureSize, contract: InputContract, shape: FrameShape): Sharp {
  const pipeline = openPicture(picture);
  const part = usedRegion(whole, contract.roi);
  if (contract.roi) pipeline.extract(part);
  if (part.width === shape.width && part.height === shape.height) return pipeline;
  const { pad } = contract;
  return pipeline.resize({
    width: shape.width,
    height: shape.height,
    fit: FIT[contract.fit],
    kernel: KERNEL[contract.resample],
    background: { r: pad, g: pad, b: pad },
  });
}

function toColours(pipeline: Sharp, shape: FrameShape): Sharp {
  return shape.channels === 1
    ? pipeline.removeAlpha().toColourspace('b-w')
    : pipeline.removeAlpha().toColourspace('srgb');
}

function inOrderOf(contract: InputContract, pixels: Uint8Array, shape: FrameShape): Uint8Array {
  if (contract.color === 'bgr') swapRedAndBlue(pixels);
  if (contract.layout !== 'NCHW') return pixels;
  const planes = toPlanes(pixels, shape);
  giveBack(pixels);
  return planes;
}

function swapRedAndBlue(pixels: Uint8Array): void {
  for (let i = 0; i + 2 < pixels.length; i += 3) {
    const red = pixels[i]!;
    pixels[i] = pixels[i + 2]!;
    pixels[i + 2] = red;
  }
}

function toPlanes(pixels: Uint8Array, shape: FrameShape): Uint8Array {
  const { channels } = shape;
  const plane = shape.width * shape.height;
  const planes = new Uint8Array(pixels.length);
  for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) planes[c * plane + i] = pixels[i * channels + c]!;
  return planes;
}
