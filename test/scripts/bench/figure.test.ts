// The arithmetic of benchmark figures.
import { describe, expect, it } from 'vitest';
import { alternate, median, percentile } from '../../../scripts/bench/figure.ts';

describe('percentile', () => {
  it.each([
    { values: [5], q: 0.99, expected: 5 },
    { values: [10, 20], q: 0.5, expected: 15 },
    { values: [40, 10, 30, 20], q: 0, expected: 10 },
    { values: [40, 10, 30, 20], q: 1, expected: 40 },
    { values: [40, 10, 30, 20], q: 0.25, expected: 17.5 },
    { values: [9, 10, 100], q: 0.5, expected: 10 },
  ])('$q of $values is $expected', ({ values, q, expected }) => {
    expect(percentile(values, q)).toBeCloseTo(expected, 10);
  });

  it('sorts by size, not by text, and leaves its argument as it was', () => {
    const values = [100, 9, 10];
    expect(percentile(values, 0.5)).toBe(10);
    expect(values).toEqual([100, 9, 10]);
  });

  it('of nothing is not a number, never 0', () => {
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle value, or the middle between the two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

describe('alternate', () => {
  it('lets the sides take turns at going first, so that neither always has the warm machine', async () => {
    const calls: string[] = [];
    const side = (name: string) => async () => calls.push(name);
    await alternate(3, { ours: side('ours'), limit: side('limit') });
    expect(calls).toEqual(['ours', 'limit', 'limit', 'ours', 'ours', 'limit']);
  });

  it('gives the median of each side', async () => {
    const [ours, limit] = [
      [8, 100, 9],
      [4, 5, 60],
    ];
    const result = await alternate(3, {
      ours: async () => ours?.shift() ?? Number.NaN,
      limit: async () => limit?.shift() ?? Number.NaN,
    });
    expect(result).toEqual({ ours: 9, limit: 5, disturbed: 0 });
  });

  it('hands on the failure of a side', async () => {
    const broken = async () => Promise.reject(new Error('no frame came'));
    await expect(alternate(2, { ours: broken, limit: async () => 1 })).rejects.toThrow('no frame came');
  });

  const counting = () => {
    let round = 0;
    return { ours: async () => ++round, limit: async () => 1 };
  };
  /** Asked before and after each round; the answer after it counts. */
  const taken = (...shares: readonly number[]) => {
    let asked = 0;
    return () => (asked++ % 2 === 0 ? 1 : (shares[(asked >> 1) - 1] ?? 0));
  };

  it('plays a round again in which the host took too much', async () => {
    const result = await alternate(3, counting(), taken(0.5, 0, 0.011, 0.01, 0));
    expect(result).toEqual({ ours: 4, limit: 1, disturbed: 2 });
  });

  it('loses its patience with a host that never rests, and counts what it has', async () => {
    const result = await alternate(2, counting(), () => 0.5);
    expect(result).toEqual({ ours: 3.5, limit: 1, disturbed: 0 });
  });

  it('counts the calm rounds alone when half as many as wanted were calm', async () => {
    const result = await alternate(2, counting(), taken(0.5, 0.5, 0.5, 0, 0.5, 0.5));
    expect(result).toEqual({ ours: 4, limit: 1, disturbed: 5 });
  });
});
