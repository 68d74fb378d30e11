// Derived ratios carry their evidence; windows add up.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSketch, EMPTY_SKETCH, encodeSketch, sketchOf } from '../../../shared/measure/latency-sketch.ts';
import * as quality from '../../../shared/measure/quality.ts';
import { armSchema, pairedSchema } from '../../../shared/measure/window.ts';
import { buildArm, buildPaired, CANDIDATE_DIGEST } from './window-builder.ts';

const NO_PROXIES = {
  detections: 0,
  scoreSum: 0,
  byClass: {},
  borderline: 0,
  emptyFrames: 0,
  flickers: 0,
  trackFrames: 0,
  entropySum: 0,
};

describe('derived ratios', () => {
  it('carry the count they rest on', () => {
    const paired = buildPaired();
    expect(quality.lostShare(paired, 'scratch')).toEqual({ value: 0.4, count: 10 });
    expect(quality.wrongShare(paired, 'scratch')).toEqual({ value: 0.1, count: 10 });
    expect(quality.gainedShare(paired, 'scratch')).toEqual({ value: 0.25, count: 8 });
    expect(quality.coverage(paired)).toEqual({ value: 0.8, count: 10 });
    expect(quality.borderShareDifference(paired)).toEqual({ value: 0.25, count: 10 });
  });

  it('pool all classes under the star', () => {
    expect(quality.gainedShare(buildPaired(), quality.ALL_CLASSES)).toEqual({ value: 5 / 11, count: 11 });
  });

  it('describe one arm', () => {
    const arm = buildArm();
    expect(quality.errorShare(arm)).toEqual({ value: 0.1, count: 10 });
    expect(quality.framesPerSecond(arm)).toEqual({ value: 9, count: 9 });
    expect(quality.detectionsPerFrame(arm)).toEqual({ value: 12 / 9, count: 9 });
    expect(quality.emptyShare(arm)).toEqual({ value: 3 / 9, count: 9 });
    expect(quality.meanConfidence(arm.proxies)).toEqual({ value: 0.75, count: 12 });
    expect(quality.meanEntropy(arm.proxies)).toEqual({ value: 0.5, count: 12 });
    expect(quality.flickerRate(arm.proxies)).toEqual({ value: 0.1, count: 10 });
    expect(quality.borderShare(arm.proxies)).toEqual({ value: 0.25, count: 16 });
    expect(quality.latencyQuantile(arm, 0.5).value).toBeCloseTo(14, 0);
  });

  it('say no evidence where the denominator is empty, never 0 and never 1', () => {
    const silent = buildArm({
      frames: 0,
      answered: 0,
      activeMs: 0,
      errors: {},
      latencyMs: encodeSketch(EMPTY_SKETCH),
      proxies: NO_PROXIES,
    });
    const nothing = { value: null, count: 0 };
    for (const measured of [
      quality.lostShare(buildPaired(), 'spill'),
      quality.lostShare(buildPaired(), 'a class nobody reports'),
      quality.coverage(buildPaired({ frames: 0, offered: 0 })),
      quality.borderShareDifference(buildPaired({ baselineBoxes: 0, baselineBorderline: 0 })),
      quality.errorShare(silent),
      quality.framesPerSecond(silent),
      quality.latencyQuantile(silent, 0.95),
      quality.meanConfidence(silent.proxies),
      quality.flickerRate(silent.proxies),
      quality.detectionsPerFrame(silent),
    ])
      expect(measured).toEqual(nothing);
  });

  it('treat a sketch that cannot be read as no evidence', () => {
    const broken = buildArm({ latencyMs: { count: 9, min: 1, max: 2, sum: 9, bins: 'AAAA' } });
    expect(quality.latencyQuantile(broken, 0.5)).toEqual({ value: null, count: 0 });
    expect(decodeSketch(quality.mergeArms([broken, buildArm()])[0]?.latencyMs ?? broken.latencyMs)?.count).toBe(9);
  });
});

describe('mergeArms', () => {
  it('adds up each release in each role apart', () => {
    const candidate = buildArm({ digest: CANDIDATE_DIGEST, role: 'candidate' });
    const shadow = buildArm({ digest: CANDIDATE_DIGEST, role: 'shadow' });
    const merged = quality.mergeArms([buildArm(), candidate, buildArm(), shadow]);
    expect(merged.map((arm) => [arm.role, arm.frames])).toEqual([
      ['baseline', 20],
      ['candidate', 10],
      ['shadow', 10],
    ]);
    expect(merged[0]?.proxies.byClass).toEqual({ scratch: 20, dent: 4 });
    expect(merged[0]?.errors).toEqual({ deadline: 2 });
    expect(armSchema.safeParse(merged[0]).success).toBe(true);
  });

  it('keeps what is known of CPU and memory, and null only when nothing is', () => {
    const unread = buildArm({ cpuSeconds: null, rssBytes: null });
    expect(quality.mergeArms([unread, buildArm(), buildArm({ rssBytes: 3000 })])[0]).toMatchObject({
      cpuSeconds: 1,
      rssBytes: 3000,
    });
    expect(quality.mergeArms([unread, unread])[0]).toMatchObject({ cpuSeconds: null, rssBytes: null });
  });

  it('does not depend on the order of the windows', () => {
    const values = fc.array(fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 20 }), { maxLength: 8 });
    fc.assert(
      fc.property(values, (parts) => {
        const arms = parts.map((part) =>
          buildArm({
            answered: part.length,
            latencyMs: encodeSketch(sketchOf(part)),
            runMs: encodeSketch(sketchOf([])),
          }),
        );
        expect(quality.mergeArms([...arms].reverse())).toEqual(quality.mergeArms(arms));
      }),
    );
  });
});

describe('mergePaired', () => {
  it('adds up classes by name and keeps different pairs apart', () => {
    const other = buildPaired({ candidateDigest: 'c'.repeat(64) });
    const [first, second, ...rest] = quality.mergePaired([buildPaired(), other, buildPaired({ classes: [] })]);
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ frames: 16, offered: 20, baselineBoxes: 40 });
    expect(first?.classes).toEqual(buildPaired().classes);
    expect(second).toEqual(other);
    expect(pairedSchema.safeParse(first).success).toBe(true);
  });
});
