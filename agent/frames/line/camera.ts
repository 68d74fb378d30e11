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
  const planes = {
    red: throughLens(camera, light.red),
    green: throughLens(camera, light.green),
    blue: throughLens(camera, light.blue),
  };
  return readOut(camera, planes, noiseSeed);
}

function throughLens(camera: Camera, values: Float32Array): Float32Array {
  const shape = { width: camera.size, height: camera.size };
  const blurred = camera.kernel === null ? values : blurPlane({ ...shape, values }, camera.kernel);
  return camera.smearPixels > 1 ? smearRows({ ...shape, values: blurred }, camera.smearPixels) : blurred;
}

function readOut(camera: Camera, { red, green, blue }: Light, noiseSeed: number): Uint8Array {
  const { exposure, clean, curve, condition } = camera;
  const { tempR, tempB, noise } = condition;
  const haze = condition.haze * HAZE_GLOW;
  const rgb = new Uint8Array(red.length * 3);
  let state = hash32(noiseSeed, 1234) | 0;
  for (let i = 0; i < red.length; i++) {
    const passed = clean === null ? 1 : clean[i]!;
    const glow = (1 - passed) * DIRT_GLOW;
    // Part of the noise is common to the three colours, as on a sensor behind a colour filter.
    const shared = 0.75 * grain(state);
    const r = tone(curve, exposed(red[i]! * exposure[i]!, tempR * passed, glow, haze));
    const g = tone(curve, exposed(green[i]! * exposure[i]!, passed, glow, haze));
    const b = tone(curve, exposed(blue[i]! * exposure[i]!, tempB * passed, glow, haze));
    rgb[3 * i] = level(r, noise * (shared + 0.5 * grain(state + MULBERRY_STEP)));
    rgb[3 * i + 1] = level(g, noise * (shared + 0.5 * grain(state + 2 * MULBERRY_STEP)));
    rgb[3 * i + 2] = level(b, noise * (shared + 0.5 * grain(state + 3 * MULBERRY_STEP)));
    state = (state + 4 * MULBERRY_STEP) | 0;
  }
  return rgb;
}

function exposed(light: number, passed: number, glow: number, haze: number): number {
  return clamp01(light * passed + glow + haze * (1 - light));
}

/** 0..255; noise grows with the signal. */
function level(value: number, noise: number): number {
  return clamp01(value + (0.6 + 0.8 * value) * noise) * 255 + 0.5;
}

/** Near-normal, deviation 1: the sum of the four bytes of one hash. */
function grain(state: number): number {
  const h = mulberry(state | 0);
  return ((h & 255) + ((h >>> 8) & 255) + ((h >>> 16) & 255) + (h >>> 24) - 510) * (1 / FOUR_BYTES_DEVIATION);
}

/** The gamma curve, by linear interpolation. */
function tone(curve: Float64Array | null, value: number): number {
  if (curve === null) return value;
  const position = value * GAMMA_STEPS;
  const step = position | 0;
  return curve[step]! + (curve[step + 1]! - curve[step]!) * (position - step);
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

/** One step more than GAMMA_STEPS, so that a value of exactly 1 still has a right neighbour. */
function gammaCurve(gamma: number): Float64Array {
  return Float64Array.from({ length: GAMMA_STEPS + 2 }, (_, i) => (i === 0 ? 0 : power(i / GAMMA_STEPS, gamma)));
}
