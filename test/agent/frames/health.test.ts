// Camera health on pictures whose light and sharpness are known.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthSchema, judgePicture } from '../../../agent/frames/health.ts';
import { restartDelayMs, stallMs } from '../../../agent/frames/restart-pace.ts';

function picture(width: number, height: number, colour: (x: number, y: number) => readonly [number, number, number]) {
  const pixels = Array.from({ length: width * height }, (_, i) => colour(i % width, Math.floor(i / width)));
  return Uint8Array.from(pixels.flat());
}

describe('judgePicture', () => {
  it('reads light, clipping and colour cast', () => {
    const half = picture(16, 16, (x) => (x < 8 ? [255, 255, 255] : [100, 0, 50]));
    const health = judgePicture(half, 16, 16);
    expect(health.saturatedShare).toBe(0.5);
    expect(health.luma).toBeCloseTo((255 + 35.6) / 2, 3);
    expect(health.redBlueRatio).toBeCloseTo(355 / 305, 5);
    expect(health.lumaHistogram[15]).toBe(0.5);
    expect(health.lumaHistogram[2]).toBe(0.5);
  });

  it('finds an even picture without sharpness and a chequered one with much, and less when it is blurred', () => {
    const even = picture(32, 32, () => [90, 90, 90]);
    const chequered = picture(33, 33, (x, y) => ((x + y) % 3 === 0 ? [250, 250, 250] : [0, 0, 0]));
    const soft = picture(33, 33, (x, y) => ((x + y) % 3 === 0 ? [130, 130, 130] : [100, 100, 100]));
    expect(judgePicture(even, 32, 32).sharpness).toBeCloseTo(0, 6);
    const sharpness = [soft, chequered].map((rgb) => judgePicture(rgb, 33, 33).sharpness);
    expect(sharpness[1]!).toBeGreaterThan(10 * sharpness[0]!);
  });

  it('says no colour ratio for a picture without blue', () => {
    expect(
      judgePicture(
        picture(2, 2, () => [9, 9, 0]),
        2,
        2,
      ).redBlueRatio,
    ).toBeNull();
  });

  it('is a valid message for any picture, and its histogram sums to 1', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(
        sizes.chain(([w, h]) =>
          fc.tuple(fc.constant(w), fc.constant(h), fc.uint8Array({ minLength: w * h * 3, maxLength: w * h * 3 })),
        ),
        ([width, height, rgb]) => {
          const health = judgePicture(rgb, width, height);
          expect(healthSchema.safeParse(health).success).toBe(true);
          expect(health.lumaHistogram.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
          expect(Number.isFinite(health.sharpness)).toBe(true);
        },
      ),
    );
  });
});

describe('the pace of restarts', () => {
  it('allows ten intervals of silence, never less than two seconds', () => {
    expect([30, 5, 1].map(stallMs)).toEqual([2000, 2000, 10_000]);
  });

  it('grows, stays within half a minute, and spreads cameras that fell together', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const delay = restartDelayMs(attempt, chance);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(30_000);
        expect(restartDelayMs(attempt + 1, chance)).toBeGreaterThanOrEqual(delay);
      }),
    );
    expect(restartDelayMs(3, 0)).toBe(2000);
    expect(restartDelayMs(3, 1)).toBe(4000);
  });
});
