// Lens blur and motion blur of one colour plane; edges repeat the outermost pixel.
import { exponential } from './exact-math.ts';

export type Plane = { readonly values: Float32Array; readonly width: number; readonly height: number };

/** Half a gaussian, from the middle outwards, summing to 1 with its mirror image. */
export type Kernel = readonly number[];

export function gaussianKernel(deviation: number): Kernel {
  const reach = Math.max(1, Math.ceil(deviation * 2.5));
  const half = Array.from({ length: reach + 1 }, (_, i) => exponential((-i * i) / (2 * deviation * deviation)));
  const sum = half.reduce((total, weight, i) => total + (i === 0 ? weight : 2 * weight), 0);
  return half.map((weight) => weight / sum);
}

export function blurPlane(plane: Plane, kernel: Kernel): Float32Array {
  const rows = blurRows(plane, kernel);
  return blurColumns({ ...plane, values: rows }, kernel);
}

function blurRows({ values, width, height }: Plane, kernel: Kernel): Float32Array {
  const reach = kernel.length - 1;
  const out = new Float32Array(width * height);
  const padded = new Float64Array(width + 2 * reach);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    for (let x = 0; x < padded.length; x++) {
      padded[x] = values[start + Math.min(width - 1, Math.max(0, x - reach))]!;
    }
    for (let x = 0; x < width; x++) {
      let sum = kernel[0]! * padded[x + reach]!;
      for (let i = 1; i <= reach; i++) sum += kernel[i]! * (padded[x + reach - i]! + padded[x + reach + i]!);
      out[start + x] = sum;
    }
  }
  return out;
}

function blurColumns({ values, width, height }: Plane, kernel: Kernel): Float32Array {
  const reach = kernel.length - 1;
  const out = new Float32Array(width * height);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const middle = y * width;
    for (let x = 0; x < width; x++) sums[x] = kernel[0]! * values[middle + x]!;
    for (let i = 1; i <= reach; i++) {
      const above = Math.max(0, y - i) * width;
      const below = Math.min(height - 1, y + i) * width;
      const weight = kernel[i]!;
      for (let x = 0; x < width; x++) sums[x]! += weight * (values[above + x]! + values[below + x]!);
    }
    out.set(sums, middle);
  }
  return out;
}

/** Mean of `length` pixels along each row: the belt moves while the shutter is open. */
export function smearRows({ values, width, height }: Plane, length: number): Float32Array {
  const out = new Float32Array(width * height);
  const back = length >> 1;
  for (let y = 0; y < height; y++) {
    const start = y * width;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let i = x - back; i < x - back + length; i++) {
        sum += values[start + (i < 0 ? 0 : i >= width ? width - 1 : i)]!;
      }
      out[start + x] = sum / length;
    }
  }
  return out;
}
