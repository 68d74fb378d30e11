// Named conditions of light, lens and sensor: what a normal plant sees, and how each drifts away from it.
import type { PartType } from './parts.ts';
import type { Random } from './random.ts';

export type Condition = {
  /** Exposure; 1 is nominal. */
  readonly gain: number;
  readonly gamma: number;
  /** Red and blue against green: colour temperature. */
  readonly tempR: number;
  readonly tempB: number;
  /** Brightness lost in the corners, 0..1. */
  readonly vignette: number;
  /** Defocus as a gaussian's deviation, and motion blur along the belt: belt units. */
  readonly blur: number;
  readonly motion: number;
  /** Sensor noise as a share of full scale. */
  readonly noise: number;
  /** Dirt on the lens, 0 clean .. 1 filthy; which blobs is the seed's choice. */
  readonly dirt: number;
  readonly dirtSeed: number;
  /** Scattered light from a film on the lens, 0..1. */
  readonly haze: number;
  /** Direction the light comes from, radians. */
  readonly lightDir: number;
  readonly parts: readonly PartType[];
};

export const NOMINAL: Condition = {
  gain: 1,
  gamma: 1,
  tempR: 1,
  tempB: 1,
  vignette: 0.22,
  blur: 0.55,
  motion: 0,
  noise: 0.012,
  dirt: 0,
  dirtSeed: 1,
  haze: 0,
  lightDir: -2.2,
  parts: ['plate', 'flange'],
};

export const CONDITION_NAMES = [
  'nominal',
  'dim',
  'dark',
  'bright',
  'warm',
  'light-direction',
  'dirt-50',
  'dirt-100',
  'defocus',
  'noisy',
  'new-part',
] as const;
export type ConditionName = (typeof CONDITION_NAMES)[number];

const DRIFTS: Readonly<Record<ConditionName, Partial<Condition>>> = {
  nominal: {},
  dim: { gain: 0.62 },
  dark: { gain: 0.38, noise: 0.03 },
  bright: { gain: 1.55 },
  warm: { tempR: 1.18, tempB: 0.78 },
  'light-direction': { lightDir: -0.6 },
  'dirt-50': { dirt: 0.5, haze: 0.08 },
  'dirt-100': { dirt: 1, haze: 0.25 },
  defocus: { blur: 2.2 },
  noisy: { noise: 0.06 },
  'new-part': { parts: ['pcb'] },
};

/** `base` drifted as named. Exposure multiplies, so a camera that is a little dark becomes darker still. */
export function conditionNamed(name: ConditionName, base: Condition = NOMINAL): Condition {
  const drift = DRIFTS[name];
  return { ...base, ...drift, gain: base.gain * (drift.gain ?? 1) };
}

/** One camera of a normal plant: the spread that training and held-out sets cover. */
export function sampleCondition(random: Random, parts: readonly PartType[] = NOMINAL.parts): Condition {
  const gain = random.range(0.82, 1.18);
  const gamma = random.range(0.9, 1.12);
  const tempR = random.range(0.96, 1.04);
  const tempB = random.range(0.95, 1.05);
  const vignette = random.range(0.1, 0.35);
  const blur = random.range(0.4, 0.85);
  const motion = random.chance(0.25) ? random.range(1.5, 2.6) : 0;
  const noise = random.range(0.006, 0.02);
  const lightDir = NOMINAL.lightDir + random.range(-0.35, 0.35);
  return { ...NOMINAL, gain, gamma, tempR, tempB, vignette, blur, motion, noise, lightDir, parts };
}
