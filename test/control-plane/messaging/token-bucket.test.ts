// A token bucket under a told clock.
import { describe, expect, it } from 'vitest';
import { createTokenBucket } from '../../../control-plane/messaging/token-bucket.ts';

describe('createTokenBucket', () => {
  it('gives its burst at once, then makes each call wait its turn', () => {
    const bucket = createTokenBucket({ burst: 3, perSecond: 10 });
    expect([1, 2, 3, 4, 5].map(() => bucket.take(0))).toEqual([0, 0, 0, 100, 200]);
    expect(bucket.take(300)).toBe(0);
  });

  it('refills to its burst and no further, and not backwards in time', () => {
    const bucket = createTokenBucket({ burst: 2, perSecond: 10 });
    expect([bucket.tryTake(0), bucket.tryTake(0), bucket.tryTake(0)]).toEqual([true, true, false]);
    expect(bucket.isFull(100)).toBe(false);
    expect(bucket.tryTake(50)).toBe(true);
    expect(bucket.isFull(1_000_000)).toBe(true);
    expect([1, 2, 3].map(() => bucket.tryTake(1_000_000))).toEqual([true, true, false]);
  });
});
