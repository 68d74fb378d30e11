// Chance with a memory: normal draws, and series that drift and return. Seeded; the same seed gives the same series.
import type { Random } from '../core/random.ts';

/** Normal, mean 0, deviation 1 (Box–Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** A count with this mean: Poisson, by multiplication for small means and by a normal for large ones. */
export function poisson(random: Random, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const floor = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > floor; product *= random.next()) count += 1;
  return count;
}

/** AR(1), one value per minute: its deviation, and the minutes after which it has forgotten two thirds. */
export type Series = { readonly next: () => number };

export function openSeries(random: Random, deviation: number, memoryMinutes: number): Series {
  const kept = Math.exp(-1 / memoryMinutes);
  const fresh = Math.sqrt(1 - kept ** 2);
  let value = normal(random);
  return {
    next: () => {
      value = kept * value + fresh * normal(random);
      return deviation * value;
    },
  };
}
