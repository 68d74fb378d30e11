// Output tensors as the decoders see them, and the finite check that every output passes before it is decoded.
import { BelayError } from '../../../shared/basics/errors.ts';

/** float16 and int64 outputs are widened or narrowed to these before decoding. */
export type TensorData = Float32Array | Uint8Array | Int32Array;

export type OutputTensor = { readonly data: TensorData; readonly dims: readonly number[] };

/** Size of the model's input frame in pixels: the space that every box of an answer lies in. */
export type FrameSize = { readonly width: number; readonly height: number };

/** Code `undecodable`: the output does not have the shape that the manifest's decoder needs. */
export class DecodeError extends BelayError {
  constructor(message: string) {
    super('undecodable', `decoding an output: ${message}; correct the manifest's outputs, labels or postprocess`);
    this.name = 'DecodeError';
  }
}

/** Position of the first NaN or infinity, or null when every value is finite. */
export function firstNonFinite(tensor: OutputTensor): number | null {
  const { data } = tensor;
  if (!(data instanceof Float32Array)) return null;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value - value !== 0) return i;
  }
  return null;
}

/** Four decimals: below the tolerance of any proof, and short in JSON. */
export function roundScore(score: number): number {
  return Math.round(score * 1e4) / 1e4;
}

/** Hundredths of a pixel. */
export function roundPx(value: number): number {
  return Math.round(value * 100) / 100;
}
