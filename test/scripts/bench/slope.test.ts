// The slope of a soak run: exact on a line, and not to be moved by a few wild samples.
import { describe, expect, it } from 'vitest';
import { robustSlope } from '../../../scripts/bench/slope.ts';

describe('robustSlope', () => {
  const line = Array.from({ length: 101 }, (_, i) => [i, 3 + 0.5 * i] as const);

  it('is that of a line, and 0 of a level', () => {
    expect(robustSlope(line).slope).toBeCloseTo(0.5, 12);
    expect(robustSlope(line.map(([x]) => [x, 7] as const))).toEqual({ slope: 0, low: 0, high: 0 });
  });

  it('is not moved by a fifth of wild samples', () => {
    const wild = line.map(([x, y], i) => [x, i % 5 === 2 ? y + 1000 : y] as const);
    expect(robustSlope(wild).slope).toBeCloseTo(0.5, 1);
  });

  it('looks at a share of very many points', () => {
    expect(robustSlope(Array.from({ length: 20_000 }, (_, i) => [i, -2 * i] as const)).slope).toBeCloseTo(-2, 12);
  });

  it('says between which bounds it lies: narrow for many points, wide for few that disagree', () => {
    const noisy = (count: number) =>
      Array.from({ length: count }, (_, i) => [i, 0.5 * i + 10 * ((i * 37) % 101)] as const);
    const [few, many] = [robustSlope(noisy(12)), robustSlope(noisy(300))];
    for (const { low, slope, high } of [few, many]) {
      expect(low).toBeLessThan(0.5);
      expect(high).toBeGreaterThan(0.5);
      expect(slope).toBeGreaterThan(low);
    }
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 20);
  });

  it('of nothing is not a number', () => {
    expect(robustSlope([]).slope).toBeNaN();
    expect(robustSlope([[1, 1]]).slope).toBeNaN();
  });
});
