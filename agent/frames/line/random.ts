// Seeded randomness by integer hashing alone: the same seed draws the same numbers on every machine. Never Math.random.

export type Random = {
  /** Uniform in [0, 1). */
  readonly unit: () => number;
  readonly range: (from: number, to: number) => number;
  /** Both ends included. */
  readonly integer: (from: number, to: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
  /** Near-normal, mean 0, deviation 1: a sum of four uniforms (within ±3.46), exact everywhere. */
  readonly gauss: () => number;
};

/** Mixes integers into one 32-bit hash (murmur-style finaliser). */
export function hash32(...values: readonly number[]): number {
  let h = 0x9e3779b9 | 0;
  for (const value of values) {
    h = Math.imul(h ^ (value | 0), 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h >>> 0;
}

/** One step of mulberry32: the 32-bit output for a state that the caller advances by MULBERRY_STEP. */
export function mulberry(state: number): number {
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return (t ^ (t >>> 14)) >>> 0;
}

export const MULBERRY_STEP = 0x6d2b79f5;

export function createRandom(...seed: readonly number[]): Random {
  let state = hash32(...seed);
  const unit = (): number => {
    state = (state + MULBERRY_STEP) | 0;
    return mulberry(state) / 4294967296;
  };
  return {
    unit,
    range: (from, to) => from + (to - from) * unit(),
    integer: (from, to) => from + Math.floor(unit() * (to - from + 1)),
    chance: (probability) => unit() < probability,
    pick: (items) => items[Math.floor(unit() * items.length)]!,
    gauss: () => (unit() + unit() + unit() + unit() - 2) * 1.7320508,
  };
}
