// The slope of a soak run: exact on a line, and not to be moved by a few wild samples.
import { describe, expect, it } from 'vitest';
import { robustSlope } from '../../../scripts/bench/slope.ts';

describe('robustSlope', () => {
  const line = Array.from({ length: 101 }, (_, i) => [i, 3 + 0.5 * i] as const);

  it('is that of a line, and 0 of a level', () => {
    expect(robustSlope(line)).toBeCloseTo(0.5, 12);
    expect(robustSlope(line.map(([x]) => [x, 7] as const))).toBe(0);
  });

  it('is not moved by a fifth of wild samples', () => {
    const wild = line.map(([x, y], i) => [x, i % 5 === 2 ? y + 1000 : y] as const);
    expect(robustSlope(wild)).toBeCloseTo(0.5, 1);
  });

  it('looks at a share of very many points', () => {
    expect(robustSlope(Array.from({ length: 20_000 }, (_, i) => [i, -2 * i] as const))).toBeCloseTo(-2, 12);
  });

  it('of nothing is not a number', () => {
    expect(robustSlope([])).toBeNaN();
    expect(robustSlope([[1, 1]])).toBeNaN();
  });
});
