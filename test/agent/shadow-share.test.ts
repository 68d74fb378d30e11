// A shadow's share of the frames and of the time, how a rollout warms its candidate up, and what a device counts of itself for it.
import { describe, expect, it } from 'vitest';
import { scoreGolden } from '../../agent/core/golden-score.ts';
import { prewarmOf, warmedBy } from '../../agent/core/prewarm.ts';
import { ShadowShare } from '../../agent/shadow-share.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

const REF = { release: 'cv-detector:2.0.0+data=b', digest: 'c'.repeat(64) };

/** Frames every 100 ms for a minute, each of which costs a shadow 80 ms. */
function offeredOf(maxExtraLoadPct: number | null): number {
  let nowMs = 0;
  const share = new ShadowShare();
  let offered = 0;
  for (let frame = 0; frame < 600; frame += 1) {
    nowMs += 100;
    if (!share.wants({ ref: REF, sampleEvery: 1, maxExtraLoadPct }, nowMs)) continue;
    offered += 1;
    share.ran(80);
  }
  return offered;
}

describe('the share of a shadow', () => {
  it('is every frame without a cap, and the share of time with one', () => {
    expect(offeredOf(null)).toBe(600);
    // 25 % of 60 s hold 187 runs of 80 ms; what was saved before the first adds a few.
    expect(offeredOf(25)).toBeGreaterThan(180);
    expect(offeredOf(25)).toBeLessThan(205);
  });

  it('is every n-th frame', () => {
    const share = new ShadowShare();
    const wanted = [1, 2, 3, 4, 5, 6].map(() => share.wants({ ref: REF, sampleEvery: 3 }, 0));
    expect(wanted).toEqual([false, false, true, false, false, true]);
  });
});

describe('pre-warming', () => {
  const desired = { candidate: { ...REF, prewarm: { warmupFrames: 30, coldStartProbes: 5 } } };
  const state = { desired } as unknown as Parameters<typeof prewarmOf>[0];

  it('warms the candidate as the rollout says, and starts both as often', () => {
    expect(prewarmOf(state, REF.digest)).toEqual({ warmupFrames: 30, coldStartProbes: 5 });
    expect(prewarmOf(state, 'b'.repeat(64))).toEqual({ warmupFrames: null, coldStartProbes: 5 });
    expect(prewarmOf({ desired: null }, REF.digest)).toEqual({ warmupFrames: null, coldStartProbes: 1 });
  });

  it('changes nothing else of the manifest', () => {
    const manifest = { name: 'x', warmup: { runs: 2, more: true } } as unknown as Manifest;
    expect(warmedBy(manifest, { warmupFrames: 30 })).toEqual({ name: 'x', warmup: { runs: 30, more: true } });
    expect(warmedBy(manifest, { warmupFrames: null })).toBe(manifest);
  });
});

describe('overlap on golden frames', () => {
  it('counts an object that was missed as none', () => {
    const truth = (x: number) => ({
      ...{ label: 'dent', size: 'large' as const, visible: 1 },
      box: [x, 0, 100, 100] as [number, number, number, number],
    });
    const found = { classId: 0, label: 'dent', score: 0.9, box: [0, 0, 100, 80] as [number, number, number, number] };
    const scores = scoreGolden([{ task: 'detection', detections: [found] }], [{ objects: [truth(0), truth(300)] }]);
    const all = scores.find(({ class: label, size }) => label === 'dent' && size === 'all');
    expect(all).toMatchObject({ objects: 2, found: 1 });
    expect(all?.iouSum).toBeCloseTo(0.8, 6);
    expect(all?.iouSquares).toBeCloseTo(0.64, 6);
  });
});
