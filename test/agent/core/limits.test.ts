// The local limits: each breaks after its dwell, forgives what goes away, and asks for the cause.
import { describe, expect, it } from 'vitest';
import { deadlineMs } from '../../../agent/core/deadlines.ts';
import { blockedOf } from '../../../agent/core/explain.ts';
import { EMPTY_LIMIT_TRACKS, foldAnswered, foldLate } from '../../../agent/core/limit-tracks.ts';
import { deviceLimitsSchema } from '../../../shared/protocol/limits.ts';
import { desired, ref } from './core-world.ts';
import { B, baselineWorld, C, COOL, LIMITS, onCandidate, order, run } from './limits-world.ts';

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

  it('of a camera that is well are judged however long another one is lost or dark, but not while that changes', () => {
    for (const bad of [
      { lost: true, healthy: null },
      { lost: false, healthy: false },
    ]) {
      const world = onCandidate();
      for (const cameraId of ['camera-1', 'camera-2'])
        world.send({ kind: 'camera', cameraId, lost: false, healthy: true });
      world.send({ kind: 'camera', cameraId: 'camera-2', ...bad });
      run(world, 8, { fps: 10, answered: 3 });
      expect(world.servingDigest()).toBe(C);
      run(world, 5, { fps: 10, answered: 3 });
      expect(world.last('breach')?.breach).toBe('fps');
    }
  });

  it('that the baseline does not reach either on this device are no reason to go back to it', () => {
    const world = onCandidate({ alone: { fps: 10, answered: 4 } });
    run(world, 60, { fps: 10, answered: 4 });
    expect(world.servingDigest()).toBe(C);
    run(world, 8, { fps: 10, answered: 2 });
    expect(world.last('breach')?.reason).toBe('2.8 answers per second < floor 5 for 5 s (offered 10.0)');
  });

  it('of a candidate say nothing about the baseline: the next one is measured by what that reached', () => {
    const world = onCandidate();
    run(world, 7, { fps: 10, answered: 3 });
    expect(world.servingDigest()).toBe(B);
    run(world, 1);
    world.order(desired(5, 'b', { name: 'd', role: 'serve' }, { limits: LIMITS }));
    world.settle();
    run(world, 8, { fps: 10, answered: 4 });
    expect(world.disk.quarantine.map(({ digest }) => digest)).toEqual([C, ref('d').digest]);
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

  it('is judged by the cameras that are there while another one is lost', () => {
    const world = onCandidate();
    for (const cameraId of ['camera-1', 'camera-2'])
      world.send({ kind: 'camera', cameraId, lost: false, healthy: true });
    world.send({ kind: 'camera', cameraId: 'camera-2', lost: true, healthy: null });
    run(world, 5, { latencyMs: 900 });
    expect(world.servingDigest()).toBe(C);
    run(world, 12, { latencyMs: 900 });
    expect(world.last('breach')?.breach).toBe('latency');
  });

  it('of frames that come late from a stuttering camera is not held against it', () => {
    const world = onCandidate();
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: true, healthy: null });
    run(world, 60, { fps: 30, latencyMs: 900 });
    expect(world.servingDigest()).toBe(C);
    // What came in the gap does not count afterwards either.
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: false, healthy: true });
    run(world, 30);
    expect(world.servingDigest()).toBe(C);
    expect(world.kinds()).not.toContain('breach');
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

  it('goes for a cool-down, as the day may be hot: only the third time is the release set aside', () => {
    const world = onCandidate({ limits: { coolDownMs: 60_000 } });
    for (let time = 1; time <= 3; time += 1) {
      expect(world.disk.quarantine).toEqual([]);
      run(world, 12, { sensors: hot });
      expect(world.servingDigest()).toBe(B);
      run(world, 300, { sensors: COOL });
      world.settle();
      run(world, 3);
    }
    expect(world.disk.quarantine[0]?.reason).toMatch(/^taken off 3 times: 95.0 °C > ceiling 92 °C for 10 s$/);
  });

  it('that a busy neighbour makes is never blamed on it', () => {
    const calm = { othersCpuPct: 10, sensors: { cpuLoadPct: 60 } };
    const world = onCandidate({ limits: { coolDownMs: 60_000 }, alone: calm });
    for (let time = 1; time <= 4; time += 1) {
      run(world, 15, { othersCpuPct: 80, sensors: { ...hot, cpuLoadPct: 99 } });
      expect(world.servingDigest()).toBe(B);
      run(world, 300, calm);
      world.settle();
      run(world, 3, calm);
    }
    expect(world.disk.quarantine).toEqual([]);
    expect(blockedOf(world.state, world.nowMs)[0]?.reason).toMatch(
      /^taken off until a newer order \(3 of 3\): 95.0 °C/,
    );
  });

  it('close to the critical trip point counts, whatever the ceiling says', () => {
    const world = onCandidate();
    run(world, 12, { sensors: { temperatureC: 80, criticalMarginC: 4 } });
    expect(world.last('breach')?.reason).toBe('4.0 °C below the critical trip point < 5 °C for 10 s');
  });

  it('of one hot reading, or that nobody could read, is none', () => {
    const world = onCandidate();
    for (let time = 0; time < 20; time += 1) {
      run(world, 2, { sensors: hot });
      run(world, 2, { sensors: time % 2 === 0 ? COOL : { temperatureC: null } });
    }
    expect(world.servingDigest()).toBe(C);
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
    const battery = (batteryPct: number, batteryCharging = false, seconds = 12) =>
      run(world, seconds, { sensors: { batteryPct, batteryCharging } });
    battery(19);
    expect(world.servingDigest()).toBe(B);
    const reason = 'battery 19 % < floor 20 % and not charging for 10 s';
    expect(world.last('breach')).toMatchObject({ breach: 'battery', reason });
    expect(world.last('reverted')).toMatchObject({ digest: C, reason });
    expect(world.disk.quarantine).toEqual([]);
    battery(23);
    run(world, 601);
    expect(world.settle().servingDigest()).toBe(B);
    battery(26, false, 1);
    run(world, 1);
    expect(world.settle().servingDigest()).toBe(C);
    battery(10, true);
    expect(world.servingDigest()).toBe(C);
  });

  it('of one low reading, or that nobody could read, is none', () => {
    const world = onCandidate();
    for (let time = 0; time < 20; time += 1) {
      run(world, 5, { sensors: { batteryPct: 0, batteryCharging: false } });
      run(world, 1, { sensors: { batteryPct: time % 2 === 0 ? 60 : null, batteryCharging: false } });
    }
    expect(world.servingDigest()).toBe(C);
  });

  it('that is low while only the baseline answers blames nobody, and lets no candidate begin', () => {
    const world = baselineWorld();
    run(world, 60, { sensors: { batteryPct: 10, batteryCharging: false } });
    order(world);
    expect(world.servingDigest()).toBe(B);
    expect(world.kinds()).not.toContain('breach');
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

  it('is four times as long while the box is throttled, whoever it slows down', () => {
    const world = onCandidate();
    run(world, 30);
    expect(deadlineMs(world.state.tracks, C, 'candidate', LIMITS)).toBe(250);
    run(world, 1, { sensors: { throttled: true } });
    expect(deadlineMs(world.state.tracks, C, 'candidate', LIMITS)).toBe(1000);
    run(world, 12, { sensors: { throttled: false } });
    expect(deadlineMs(world.state.tracks, C, 'candidate', LIMITS)).toBe(250);
  });

  it('follows a machine that has become slow, by its late answers', () => {
    let tracks = answered(20, 50);
    for (let at = 0; at < 5; at += 1) tracks = foldLate(tracks, C, 500);
    expect(deadlineMs(tracks, C, 'candidate', limits)).toBe(1500);
  });
});
