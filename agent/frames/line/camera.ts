// Turns linear light into an 8-bit picture: lens, exposure, dirt, gamma, sensor noise. Everything that does not change
// from frame to frame is computed once per camera.
import { blurPlane, gaussianKernel, type Kernel, smearRows } from './blur.ts';
import type { Condition } from './conditions.ts';
import { clamp01, exponential, power } from './exact-math.ts';
import { createRandom, hash32, MULBERRY_STEP, mulberry } from './random.ts';
import { FRAME_UNITS } from './world.ts';

export type Camera = {
  readonly size: number;
  readonly condition: Condition;
  readonly kernel: Kernel | null;
  readonly smearPixels: number;
  /** Exposure per pixel, vignette included. */
  readonly exposure: Float32Array;
  /** Share of light that passes the dirt per pixel, or null for a clean lens. */
  readonly clean: Float32Array | null;
  /** Gamma curve over 0..1 in GAMMA_STEPS steps, or null when straight. */
  readonly curve: Float64Array | null;
};

export type Light = { readonly red: Float32Array; readonly green: Float32Array; readonly blue: Float32Array };

const GAMMA_STEPS = 1024;
/** What a dirty spot scatters into the lens, and what a hazy film adds, as shares of full scale. */
const DIRT_GLOW = 0.07;
const HAZE_GLOW = 0.28;
/** Deviation of the sum of four uniform bytes. */
const FOUR_BYTES_DEVIATION = 147.8005413;

export function createCamera(condition: Condition, size: number): Camera {
  const scale = size / FRAME_UNITS;
  return {
    size,
    condition,
    kernel: condition.blur > 0.2 ? gaussianKernel(condition.blur * scale) : null,
    smearPixels: condition.motion > 0.5 ? Math.round(condition.motion * scale) : 1,
    exposure: exposureOf(condition, size),
    clean: condition.dirt > 0 ? cleanLight(condition, size) : null,
    curve: condition.gamma === 1 ? null : gammaCurve(condition.gamma),
  };
}

/** Takes the picture: interleaved RGB. `noiseSeed` makes this exposure's sensor noise. */
export function photograph(camera: Camera, light: Light, noiseSeed: number): Uint8Array {
  const { size } = camera;
  const [red, green, blue] = [light.red, light.green, light.blue].map((plane) => throughLens(camera, plane));
  const noise = drawNoise(noiseSeed, size * size * 4);
  const rgb = new Uint8Array(size * size * 3);
  const { tempR, tempB } = camera.condition;
  develop(camera, { plane: red!, tint: tempR, channel: 0 }, noise, rgb);
  develop(camera, { plane: green!, tint: 1, channel: 1 }, noise, rgb);
  develop(camera, { plane: blue!, tint: tempB, channel: 2 }, noise, rgb);
  return rgb;
}

function throughLens(camera: Camera, values: Float32Array): Float32Array {
  const shape = { width: camera.size, height: camera.size };
  const blurred = camera.kernel === null ? values : blurPlane({ ...shape, values }, camera.kernel);
  return camera.smearPixels > 1 ? smearRows({ ...shape, values: blurred }, camera.smearPixels) : blurred;
}

type Channel = { readonly plane: Float32Array; readonly tint: number; readonly channel: 0 | 1 | 2 };

function develop(camera: Camera, { plane, tint, channel }: Channel, noise: Float32Array, rgb: Uint8Array): void {
  const { exposure, clean, curve, condition } = camera;
  const haze = condition.haze * HAZE_GLOW;
  for (let i = 0; i < plane.length; i++) {
    const exposed = plane[i]! * exposure[i]!;
    const passed = clean === null ? 1 : clean[i]!;
    const seen = clamp01(exposed * tint * passed + (1 - passed) * DIRT_GLOW + haze * (1 - exposed));
    const value = curve === null ? seen : onCurve(curve, seen);
    // Part of the noise is common to the three colours, as on a sensor behind a colour filter.
    const grain = 0.75 * noise[4 * i]! + 0.5 * noise[4 * i + 1 + channel]!;
    rgb[3 * i + channel] = clamp01(value + condition.noise * (0.6 + 0.8 * value) * grain) * 255 + 0.5;
  }
}

/** Near-normal numbers, each the sum of the four bytes of one hash. */
function drawNoise(seed: number, count: number): Float32Array {
  const noise = new Float32Array(count);
  let state = hash32(seed, 1234) | 0;
  for (let i = 0; i < count; i++) {
    state = (state + MULBERRY_STEP) | 0;
    const h = mulberry(state);
    const sum = (h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24);
    noise[i] = (sum - 510) / FOUR_BYTES_DEVIATION;
  }
  return noise;
}

function exposureOf({ gain, vignette }: Condition, size: number): Float32Array {
  const exposure = new Float32Array(size * size);
  const half = size / 2;
  for (let y = 0; y < size; y++) {
    const ry = (y - half) / half;
    for (let x = 0; x < size; x++) {
      const rx = (x - half) / half;
      exposure[y * size + x] = gain * (1 - vignette * (rx * rx + ry * ry) * 0.5);
    }
  }
  return exposure;
}

function cleanLight({ dirt, dirtSeed }: Condition, size: number): Float32Array {
  const clean = new Float32Array(size * size).fill(1);
  const random = createRandom(dirtSeed, 3);
  const scale = size / FRAME_UNITS;
  const blobs = Math.round(4 + 14 * dirt);
  for (let i = 0; i < blobs; i++) {
    const x = random.unit() * size;
    const y = random.unit() * size;
    const radius = random.range(5, 34) * scale;
    const opacity = random.range(0.18, 0.75) * Math.min(1, 0.35 + dirt);
    smudge({ clean, size }, { x, y, radius, opacity });
  }
  return clean;
}

type Smudge = { readonly x: number; readonly y: number; readonly radius: number; readonly opacity: number };

function smudge(lens: { readonly clean: Float32Array; readonly size: number }, spot: Smudge): void {
  const { clean, size } = lens;
  for (let y = 0; y < size; y++) {
    const dy = (y - spot.y) / spot.radius;
    if (dy * dy >= 4) continue;
    for (let x = 0; x < size; x++) {
      const dx = (x - spot.x) / spot.radius;
      const q = dx * dx + dy * dy;
      if (q < 4) clean[y * size + x]! *= 1 - spot.opacity * exponential(-q * 1.4);
    }
  }
}

function gammaCurve(gamma: number): Float64Array {
  return Float64Array.from({ length: GAMMA_STEPS + 1 }, (_, i) => (i === 0 ? 0 : power(i / GAMMA_STEPS, gamma)));
}

function onCurve(curve: Float64Array, value: number): number {
  const position = value * GAMMA_STEPS;
  const step = Math.min(GAMMA_STEPS - 1, position | 0);
  return curve[step]! + (curve[step + 1]! - curve[step]!) * (position - step);
}
