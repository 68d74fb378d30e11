// Quantiles of Student's t against published tables.
import { describe, expect, it } from 'vitest';
import { tCdf, tQuantile } from '../../../control-plane/core/student-t.ts';

describe('tQuantile', () => {
  it.each([
    [0.975, 9, 2.262157],
    [0.995, 3, 5.840909],
    [0.9, 1, 3.077684],
    [0.99, 1, 31.820516],
    [0.99, 30, 2.457262],
    [0.9, 200, 1.285799],
    [0.025, 9, -2.262157],
    [0.5, 4, 0],
  ])('p = %d with %d degrees of freedom is %d', (p, df, expected) => {
    expect(tQuantile(p, df)).toBeCloseTo(expected, 5);
  });

  it('is the inverse of the distribution', () => {
    for (const df of [1, 2.5, 8, 40])
      for (const p of [0.01, 0.3, 0.77, 0.999]) expect(tCdf(tQuantile(p, df), df)).toBeCloseTo(p, 9);
  });

  it.each([
    [0, 3],
    [1, 3],
    [0.5, 0],
  ])('refuses p = %d, df = %d', (p, df) => {
    expect(() => tQuantile(p, df)).toThrow(RangeError);
  });
});
