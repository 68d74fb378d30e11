// Which windows may become one, and that one counts as its parts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeKey, mergeWindows } from '../../../agent/telemetry/merge-windows.ts';
import { windowSchema } from '../../../shared/measure/window.ts';
import { buildArm, buildPaired, CANDIDATE_DIGEST } from '../../shared/measure/window-builder.ts';
import { buildBody } from './spool-builder.ts';

const CAMERA = {
  cameraId: 'top-view',
  captured: 10,
  processed: 8,
  dropped: { busy: 2 },
  lostMs: 100,
  lumaShift: 0.1,
  sharpnessRatio: 1,
  saturatedShare: 0,
  redBlueRatio: 1,
  staticDetections: 1,
  trackedDetections: 50,
  healthy: true,
  finding: null,
};

describe('mergeKey', () => {
  const body = buildBody({ paired: buildPaired(), cameras: [CAMERA] });

  it('is the same for windows that differ in what they counted', () => {
    const later = { ...body, startAtMs: 9, endAtMs: 10, arms: [buildArm({ frames: 77 })], spoolDropped: { window: 1 } };
    expect(mergeKey(later)).toBe(mergeKey(body));
  });

  it('differs in everything that decides how a window is judged', () => {
    const changes = [
      { boot: 'boot-0002' },
      { cohortId: 'ro-1/candidate' },
      { generation: 4 },
      { killEpoch: 1 },
      { partial: true },
      { paired: null },
      { arms: [buildArm({ role: 'candidate' })] },
      { arms: [buildArm({ digest: CANDIDATE_DIGEST })] },
      { cameras: [{ ...CAMERA, healthy: false }] },
    ];
    const keys = changes.map((change) => mergeKey({ ...body, ...change }));
    expect(new Set([...keys, mergeKey(body)]).size).toBe(changes.length + 1);
  });
});

describe('mergeWindows', () => {
  it('adds up counts, keeps the later readings, and spans both', () => {
    const first = buildBody({
      startAtMs: 0,
      endAtMs: 60,
      paired: buildPaired(),
      cameras: [CAMERA],
      spoolDropped: { window: 2 },
    });
    const second = buildBody({
      startAtMs: 60,
      endAtMs: 120,
      paired: buildPaired(),
      cameras: [{ ...CAMERA, lumaShift: 0.2, sharpnessRatio: null }],
      spoolDropped: { window: 1 },
    });
    const merged = mergeWindows(first, second);
    expect(merged).toMatchObject({ startAtMs: 0, endAtMs: 120, spoolDropped: { window: 3 } });
    expect(merged.arms[0]).toMatchObject({ frames: 2, answered: 2, activeMs: 2000 });
    expect(merged.paired).toMatchObject({ frames: 16, offered: 20 });
    expect(merged.cameras[0]).toMatchObject({ captured: 20, processed: 16, dropped: { busy: 4 }, lostMs: 200 });
    expect(merged.cameras[0]).toMatchObject({ lumaShift: 0.2, sharpnessRatio: 1, staticDetections: 2 });
    expect(windowSchema.safeParse({ ...merged, seq: 1 }).success).toBe(true);
  });

  it('comes to the same whichever neighbours are merged first', () => {
    const bodyOf = (frames: number, at: number) =>
      buildBody({ startAtMs: at * 60, endAtMs: (at + 1) * 60, arms: [buildArm({ frames, answered: frames })] });
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 }), (counts) => {
        const [a, b, c, d] = counts.map(bodyOf) as [never, never, never, never];
        const balanced = mergeWindows(mergeWindows(a, b), mergeWindows(c, d));
        const inOrder = mergeWindows(mergeWindows(mergeWindows(a, b), c), d);
        // The load is a mean of means; everything else is exact.
        expect({ ...balanced, sensors: null }).toEqual({ ...inOrder, sensors: null });
      }),
    );
  });
});
