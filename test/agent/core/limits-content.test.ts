// What a candidate answers: nothing at all, or alarms in masses. The baseline, asked about the same frames, tells a blind
// model from a dark camera and an empty belt, and a false alarm from a burst of real defects.
import { describe, expect, it } from 'vitest';
import { alertingLabels, contentOf } from '../../../agent/core/answer-content.ts';
import { opinionWanted } from '../../../agent/core/limit-content.ts';
import type { CoreWorld } from './core-world.ts';
import { ALARM, B, baselineWorld, C, NOTHING, onCandidate, order, run, SOMETHING } from './limits-world.ts';

const everySecond = (frame: number) => (frame % 2 === 0 ? SOMETHING : NOTHING);

/** The baseline is not loaded: nobody can be asked. */
function rest(world: CoreWorld): void {
  world.send({ kind: 'unloaded', digest: B });
  expect(opinionWanted(world.state)).toBeNull();
}

describe('empty answers', () => {
  const blind = { content: () => NOTHING, opinion: everySecond };

  it('where the baseline finds something in the same frames set the candidate aside after the dwell', () => {
    const world = onCandidate({ alone: { content: everySecond } });
    run(world, 29, blind);
    expect(world.servingDigest()).toBe(C);
    run(world, 3, blind);
    expect(world.servingDigest()).toBe(B);
    expect(world.last('breach')?.breach).toBe('empty');
    expect(world.last('breach')?.reason).toMatch(
      /^nothing found in \d+ answers for 3\d s > limit 30 s; in 30 of these frames the baseline found something 15 times$/,
    );
    expect(world.disk.quarantine[0]?.kind).toBe('breach');
  });

  it('of an empty line or a dark picture are shared by the baseline: for hours they are no breach', () => {
    const world = onCandidate({ alone: { content: everySecond } });
    run(world, 1200, { content: () => NOTHING, opinion: () => NOTHING });
    expect(world.servingDigest()).toBe(C);
    // The line fills up again; now it is the candidate alone that sees nothing.
    run(world, 20, blind);
    expect(world.servingDigest()).toBe(B);
  });

  it('are not judged while the camera is lost or unhealthy', () => {
    const world = onCandidate({ alone: { content: everySecond } });
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: false, healthy: false });
    run(world, 120, blind);
    expect(world.servingDigest()).toBe(C);
  });

  it('are counted anew after a gap in our own time, and after one of the camera', () => {
    const gap = onCandidate({ alone: { content: everySecond } });
    for (let stretch = 0; stretch < 4; stretch += 1) {
      run(gap, 25, blind);
      gap.nowMs += 30_000;
    }
    expect(gap.servingDigest()).toBe(C);
    const dark = onCandidate({ alone: { content: everySecond } });
    for (let stretch = 0; stretch < 4; stretch += 1) {
      run(dark, 25, blind);
      run(dark, 70, { fps: 0 });
    }
    expect(dark.servingDigest()).toBe(C);
    run(dark, 35, blind);
    expect(dark.servingDigest()).toBe(B);
  });

  it('while the baseline rests take the candidate off for a while only, and not in an ordinary pause of the line', () => {
    const world = baselineWorld();
    const pause = { content: () => NOTHING };
    for (let round = 0; round < 3; round += 1) {
      run(world, 25, { content: everySecond });
      run(world, 20, pause);
    }
    run(world, 5, { content: everySecond });
    order(world);
    rest(world);
    run(world, 58, pause);
    expect(world.servingDigest()).toBe(C);
    run(world, 9, pause);
    expect(world.servingDigest()).not.toBe(C);
    expect(world.last('breach')?.reason).toMatch(
      /^nothing found in \d+ answers for 6\d(\.\d)? s > limit 30 s; the baseline, which is not loaded, found something in \d+ % of its answers$/,
    );
    expect(world.disk.quarantine).toEqual([]);
  });

  it('are what a device is used to whose baseline finds nothing either', () => {
    const world = onCandidate({ alone: { content: () => NOTHING } });
    run(world, 120, blind);
    expect(world.servingDigest()).toBe(C);
    expect(opinionWanted(world.state)).toBeNull();
  });

  it('ask the baseline only while the candidate is suspected', () => {
    const world = onCandidate({ alone: { content: everySecond } });
    run(world, 9, blind);
    expect(opinionWanted(world.state)).toBeNull();
    run(world, 3, blind);
    expect(opinionWanted(world.state)?.digest).toBe(B);
    run(world, 2, { content: everySecond });
    expect(opinionWanted(world.state)).toBeNull();
  });
});

describe('alerts', () => {
  const alarmsEvery = (n: number) => (frame: number) => (frame % n === 0 ? ALARM : SOMETHING);
  const oneIn = (n: number) => {
    let asked = 0;
    return () => {
      asked += 1;
      return asked % n === 0 ? ALARM : SOMETHING;
    };
  };

  it('far above those of the baseline on the same frames set the candidate aside', () => {
    const world = onCandidate({ alone: { content: alarmsEvery(10) } });
    run(world, 38, { content: () => ALARM, opinion: oneIn(10) });
    expect(world.servingDigest()).toBe(C);
    run(world, 25, { content: () => ALARM, opinion: oneIn(10) });
    expect(world.servingDigest()).toBe(B);
    expect(world.last('breach')?.reason).toMatch(
      /^\d+\.\d alerts per minute > 5 × \d+\.\d per minute of the own baseline for 1 min; in 30 of these frames the baseline raised \d+$/,
    );
  });

  it('of a real burst of defects are raised by the baseline too', () => {
    const world = onCandidate({ alone: { content: alarmsEvery(10) } });
    run(world, 600, { content: () => ALARM, opinion: () => ALARM });
    expect(world.servingDigest()).toBe(C);
  });

  it('while the baseline rests take the candidate off for a while only', () => {
    const world = onCandidate({ alone: { content: alarmsEvery(10) } });
    rest(world);
    run(world, 65, { content: () => ALARM });
    expect(world.servingDigest()).not.toBe(C);
    expect(world.last('breach')?.reason).toMatch(/the baseline is not loaded to look at the same frames$/);
    expect(world.disk.quarantine).toEqual([]);
  });

  it('of two bursts with a gap in our own time between them are not one', () => {
    const world = onCandidate({ alone: { content: alarmsEvery(10) } });
    for (let stretch = 0; stretch < 3; stretch += 1) {
      run(world, 35, { content: () => ALARM, opinion: oneIn(10) });
      world.nowMs += 120_000;
    }
    expect(world.servingDigest()).toBe(C);
  });

  it('of a camera that has become unhealthy are not judged', () => {
    const world = onCandidate({ alone: { content: alarmsEvery(10) } });
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: false, healthy: false });
    run(world, 120, { content: () => ALARM, opinion: alarmsEvery(10) });
    expect(world.servingDigest()).toBe(C);
  });

  it('that come a few times more often, or in one short peak, are left to the control plane', () => {
    const more = onCandidate({ alone: { content: alarmsEvery(10) } });
    run(more, 300, { content: alarmsEvery(3), opinion: alarmsEvery(10) });
    expect(more.servingDigest()).toBe(C);
    const peak = onCandidate({ alone: { content: alarmsEvery(10) } });
    for (let round = 0; round < 4; round += 1) {
      run(peak, 15, { content: () => ALARM, opinion: alarmsEvery(10) });
      run(peak, 60, { content: alarmsEvery(10), opinion: alarmsEvery(10) });
    }
    expect(peak.servingDigest()).toBe(C);
  });

  it('of a baseline that never had any are measured from a floor, and a few are no burst', () => {
    const few = onCandidate();
    run(few, 300, { fps: 1, content: oneIn(4), opinion: () => SOMETHING });
    expect(few.servingDigest()).toBe(C);
    const many = onCandidate();
    run(many, 90, { content: () => ALARM, opinion: () => SOMETHING });
    expect(many.servingDigest()).toBe(B);
  });
});

describe('contentOf', () => {
  const detection = (...labels: string[]) => ({
    task: 'detection' as const,
    detections: labels.map((label) => ({
      classId: 0,
      label,
      score: 0.9,
      box: [0, 0, 1, 1] as [number, number, number, number],
    })),
  });

  it('counts what is critical as alerts, and everything where a release marks nothing', () => {
    const labels = [
      { name: 'dent', critical: false },
      { name: 'micro-crack', critical: true },
    ];
    expect(contentOf(detection('dent', 'micro-crack'), alertingLabels(labels))).toEqual({ objects: 2, alerts: 1 });
    expect(contentOf(detection('dent', 'dent'), alertingLabels(labels.slice(0, 1)))).toEqual({ objects: 2, alerts: 2 });
  });

  it('takes the best class of a classification, and a text that was not accepted as nothing', () => {
    const classes = [
      { classId: 0, label: 'ok', score: 0.2 },
      { classId: 1, label: 'bad', score: 0.8 },
    ];
    expect(contentOf({ task: 'classification', classes }, new Set(['bad']))).toEqual({ objects: 1, alerts: 1 });
    expect(contentOf({ task: 'classification', classes: [] }, null)).toEqual({ objects: 0, alerts: 0 });
    expect(contentOf({ task: 'ocr', text: 'L1', score: 0.3, accepted: false }, null)).toEqual({
      objects: 0,
      alerts: 0,
    });
  });
});
