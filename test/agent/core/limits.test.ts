// The local limits: each breaks after its dwell, forgives what goes away, and asks for the cause.
import { describe, expect, it } from 'vitest';
import { deadlineMs } from '../../../agent/core/deadlines.ts';
import { blockedOf } from '../../../agent/core/explain.ts';
import { EMPTY_LIMIT_TRACKS, foldAnswered, foldLate } from '../../../agent/core/limit-tracks.ts';
import { deviceLimitsSchema } from '../../../shared/protocol/limits.ts';
import { B, baselineWorld, C, COOL, onCandidate, order, run } from './limits-world.ts';

describe('frames per second', () => {
  it('below the floor for the whole dwell revert, with the numbers in the reason', () => {
    const world = onCandidate();
    run(world, 4, { fps: 10, answered: 3 });
    expect(world.servingDigest()).toBe(C);
    run(world, 3, { fps: 10, answered: 3 });
    expect(world.servingDigest()).toBe(B);
    expect(world.last('breach')).toMatchObject({
      breach: 'fps',
      reason: '3.0 answers per second < floor 5 for 5 s (offered 10.0)',
    });
    expect(world.disk.quarantine[0]).toMatchObject({ digest: C, kind: 'breach' });
  });

  it('below the floor because the camera gives no more are not the fault of the model', () => {
    const world = onCandidate();
    run(world, 20, { fps: 3 });
    expect(world.servingDigest()).toBe(C);
  });

  it('are not judged while a camera is lost or unhealthy', () => {
    for (const camera of [
      { lost: true, healthy: null },
      { lost: false, healthy: false },
    ]) {
      const world = onCandidate();
      world.send({ kind: 'camera', cameraId: 'camera-1', ...camera });
      run(world, 10, { fps: 10, answered: 3 });
      expect(world.servingDigest()).toBe(C);
    }
  });

  it('are not judged while the box is throttled', () => {
    const world = onCandidate();
    world.send({ kind: 'sensors', sensors: { ...COOL, throttled: true } });
    run(world, 10, { fps: 10, answered: 3 });
    expect(world.servingDigest()).toBe(C);
  });
});

describe('latency against the own baseline', () => {
  it('reverts above the ratio for the whole dwell', () => {
    const world = onCandidate();
    run(world, 4, { fps: 10, latencyMs: 100 });
    expect(world.servingDigest()).toBe(C);
    run(world, 6, { fps: 10, latencyMs: 100 });
    expect(world.last('breach')).toMatchObject({
      breach: 'latency',
      reason: 'p95 latency 100.0 ms > 4 × own baseline 10.0 ms for 5 s',
    });
  });

  it('does not compare with the slow answers of a baseline that has just begun', () => {
    const world = onCandidate({ aloneS: 0 });
    expect(world.servingDigest()).toBe(C);
    const booted = baselineWorld();
    run(booted, 8, { latencyMs: 400 });
    run(booted, 20, { latencyMs: 10 });
    order(booted);
    run(booted, 11, { latencyMs: 100 });
    expect(booted.last('breach')?.reason).toContain('4 × own baseline 10.0 ms');
  });

  it('compares with the last half minute of the baseline, however long ago that was', () => {
    const world = baselineWorld();
    run(world, 15, { latencyMs: 10 });
    run(world, 31, { latencyMs: 50 });
    order(world);
    run(world, 900, { latencyMs: 90 });
    expect(world.servingDigest()).toBe(C);
    run(world, 12, { latencyMs: 210 });
    expect(world.last('breach')?.reason).toContain('4 × own baseline 50.0 ms');
  });

  it('forgives a peak that goes away within the dwell', () => {
    const world = onCandidate();
    for (let round = 0; round < 4; round += 1) {
      run(world, 3, { fps: 10, latencyMs: 100 });
      run(world, 9, { fps: 10, latencyMs: 10 });
    }
    expect(world.servingDigest()).toBe(C);
  });
});

describe('temperature', () => {
  const hot = { ...COOL, temperatureC: 95 };

  it('above the ceiling for the dwell takes the release on trial back, a shadow too', () => {
    for (const role of ['serve', 'shadow'] as const) {
      const world = onCandidate({ role });
      world.send({ kind: 'sensors', sensors: hot });
      run(world, 12, { fps: 10 });
      expect(world.last('breach')?.breach).toBe('temperature');
      expect(world.state.serving).toMatchObject({ kind: 'baseline', shadow: null });
    }
  });

  it('that wavers just below the ceiling does not reset the dwell', () => {
    const world = onCandidate();
    for (let second = 0; second < 14; second += 1) {
      world.send({ kind: 'sensors', sensors: second % 2 === 0 ? hot : { ...COOL, temperatureC: 90 } });
      run(world, 1, { fps: 10 });
    }
    expect(world.servingDigest()).toBe(B);
  });

  it('that was there before the release is not its fault: it waits until the box has cooled down', () => {
    const world = baselineWorld();
    world.send({ kind: 'sensors', sensors: hot });
    run(world, 3, { fps: 10 });
    order(world);
    run(world, 20, { fps: 10 });
    expect(world.servingDigest()).toBe(B);
    expect(world.kinds()).not.toContain('breach');
    expect(world.disk.quarantine).toEqual([]);
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([
      {
        kind: 'breached',
        reason: 'taken off for 10 min (1 of 3): the box was too hot already: 95.0 °C > ceiling 92 °C for 10 s',
      },
    ]);
    world.send({ kind: 'sensors', sensors: { ...COOL, temperatureC: 90 } });
    run(world, 602);
    expect(world.settle().servingDigest()).toBe(B);
    world.send({ kind: 'sensors', sensors: COOL });
    run(world, 2, { fps: 10 });
    expect(world.settle().servingDigest()).toBe(C);
  });

  it('blames no model while only the baseline serves', () => {
    const world = baselineWorld();
    world.send({ kind: 'sensors', sensors: hot });
    run(world, 30, { fps: 10 });
    expect(world.kinds()).not.toContain('breach');
    expect(world.servingDigest()).toBe(B);
  });
});

describe('battery', () => {
  it('below its floor suspends the candidate, and five points above it lets it come back after its cool-down', () => {
    const world = onCandidate();
    world.answer();
    const battery = (batteryPct: number, batteryCharging = false) =>
      world.send({ kind: 'sensors', sensors: { ...COOL, batteryPct, batteryCharging } });
    battery(19);
    world.answer();
    expect(world.servingDigest()).toBe(B);
    const reason = 'battery 19 % < floor 20 % and not charging';
    expect(world.last('breach')).toMatchObject({ breach: 'battery', reason });
    expect(world.last('reverted')).toMatchObject({ digest: C, reason });
    expect(world.disk.quarantine).toEqual([]);
    battery(23);
    run(world, 601);
    expect(world.settle().servingDigest()).toBe(B);
    battery(26);
    run(world, 1);
    expect(world.settle().servingDigest()).toBe(C);
    battery(10, true);
    expect(world.servingDigest()).toBe(C);
  });
});

describe('deadlineMs', () => {
  const limits = deviceLimitsSchema.parse({});
  const answered = (serviceMs: number, times: number) => {
    let tracks = EMPTY_LIMIT_TRACKS;
    for (let at = 0; at < times; at += 1)
      tracks = foldAnswered(tracks, { digest: C, nowMs: at, latencyMs: serviceMs, serviceMs, isServing: true });
    return tracks;
  };

  it('is the floor for a fast model, three times its p99 for a slow one, and never above the cap', () => {
    expect(deadlineMs(answered(20, 50), C, 'candidate', limits)).toBe(250);
    expect(deadlineMs(answered(400, 50), C, 'candidate', limits)).toBe(1200);
    expect(deadlineMs(answered(9_000, 50), C, 'candidate', limits)).toBe(10_000);
  });

  it('gives the first answers more time, and a baseline more than a candidate', () => {
    expect(deadlineMs(EMPTY_LIMIT_TRACKS, C, 'candidate', limits)).toBe(1000);
    expect(deadlineMs(EMPTY_LIMIT_TRACKS, C, 'baseline', limits)).toBe(10_000);
    expect(deadlineMs(answered(20, 50), C, 'baseline', limits)).toBe(2000);
    expect(deadlineMs(answered(20, 50), C, 'shadow', limits)).toBe(10_000);
  });

  it('follows a machine that has become slow, by its late answers', () => {
    let tracks = answered(20, 50);
    for (let at = 0; at < 5; at += 1) tracks = foldLate(tracks, C, 500);
    expect(deadlineMs(tracks, C, 'candidate', limits)).toBe(1500);
  });
});
