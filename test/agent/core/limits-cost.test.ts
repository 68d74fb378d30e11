// What a release costs the machine: battery drained faster than the baseline drains it, and memory that keeps growing. A
// charger that was pulled out, a warm-up that flattens and the sawtooth of a garbage collector look like it and are not.
import { describe, expect, it } from 'vitest';
import type { CoreWorld } from './core-world.ts';
import { B, C, onCandidate, run } from './limits-world.ts';

const MB = 1024 * 1024;

describe('battery drain', () => {
  const limits = { batteryDrainForMs: 300_000 };
  const power = (pctPerHour: number, batteryPct = 80) => ({
    fps: 1,
    sensors: { batteryPct, batteryCharging: false, batteryPctPerHour: pctPerHour },
  });

  it('twice as fast as with the baseline for the dwell suspends the candidate, with both rates', () => {
    const world = onCandidate({ limits, aloneS: 310, alone: power(-15) });
    run(world, 299, power(-40));
    expect(world.servingDigest()).toBe(C);
    run(world, 5, power(-40));
    expect(world.servingDigest()).toBe(B);
    expect(world.last('breach')).toMatchObject({
      breach: 'drain',
      reason: 'battery drained by 40.0 % per hour > 2 × 15.0 % per hour with the baseline, for 5 min',
    });
    expect(world.disk.quarantine).toEqual([]);
  });

  it('that was as fast before is not its doing', () => {
    const world = onCandidate({ limits, aloneS: 310, alone: power(-30) });
    run(world, 900, power(-40));
    expect(world.servingDigest()).toBe(C);
  });

  it('while a busy neighbour draws as well is not judged', () => {
    const calm = { ...power(-15), othersCpuPct: 10 };
    const busy = { fps: 1, othersCpuPct: 80, sensors: { ...power(-60).sensors, cpuLoadPct: 99 } };
    const world = onCandidate({ limits, aloneS: 310, alone: calm });
    run(world, 900, busy);
    expect(world.servingDigest()).toBe(C);
    run(world, 330, { ...power(-60), othersCpuPct: 10 });
    expect(world.last('breach')?.breach).toBe('drain');
  });

  it('after a charger was pulled out has nothing to be compared with', () => {
    const charging = { fps: 1, sensors: { batteryPct: 90, batteryCharging: true } };
    const world = onCandidate({ limits, aloneS: 310, alone: charging });
    run(world, 900, power(-60));
    expect(world.servingDigest()).toBe(C);
    expect(world.kinds()).not.toContain('breach');
  });

  it('read off whole points gives the release the benefit of the point that is about to fall', () => {
    const falling = (fromPct: number, secondsPerPoint: number, seconds: number, world: CoreWorld) => {
      for (let at = 0; at < seconds; at += 1) {
        const batteryPct = fromPct - Math.floor(at / secondsPerPoint);
        run(world, 1, { fps: 1, sensors: { batteryPct, batteryCharging: false } });
      }
    };
    const same = onCandidate({ limits, aloneS: 0 });
    same.order({ ...orderOf(same), generation: 50, candidate: null });
    falling(90, 240, 1800, same);
    same.order({ ...orderOf(same), generation: 51, candidate: CANDIDATE });
    same.settle();
    falling(80, 170, 900, same);
    expect(same.servingDigest()).toBe(C);
    falling(70, 60, 900, same);
    expect(same.last('breach')?.breach).toBe('drain');
  });
});

const CANDIDATE = {
  release: 'cv-detector:1.0.99+data=b4f7a1',
  digest: C,
  role: 'serve',
  rolloutId: 'ro-1',
  stage: 'canary',
  sampleEvery: 1,
  lease: null,
  requireWarm: false,
} as const;

function orderOf(world: CoreWorld) {
  const { desired } = world.state;
  if (desired === null) throw new Error('no order yet');
  return desired;
}

describe('memory growth', () => {
  const limits = { rssSlopeForMs: 120_000 };
  /** One sample a second; `grow` gives megabytes by second. */
  const grow = (world: CoreWorld, seconds: number, megabytes: (second: number) => number) => {
    for (let second = 0; second < seconds; second += 1)
      run(world, 1, { fps: 1, memoryBytes: megabytes(second) * MB, content: () => ({ objects: 1, alerts: 0 }) });
  };

  it('above the limit for the whole dwell after the warm-up sets the release aside, a shadow too', () => {
    for (const role of ['serve', 'shadow'] as const) {
      const world = onCandidate({ limits, role });
      grow(world, 179, (second) => 200 + second / 3);
      expect(world.disk.quarantine).toEqual([]);
      grow(world, 15, (second) => 260 + second / 3);
      expect(world.disk.quarantine[0]).toMatchObject({ digest: C, kind: 'breach' });
      expect(world.last('breach')?.reason).toMatch(
        /^its memory grew by \d\d\.\d MB per minute > 10 MB per minute for 2 min, to 2\d\d MB$/,
      );
    }
  });

  it('of a warm-up that flattens is none, however large', () => {
    const world = onCandidate({ limits });
    grow(world, 900, (second) => 200 + 600 * (1 - Math.exp(-second / 60)));
    expect(world.servingDigest()).toBe(C);
  });

  it('of a step, or of a collector that lets it fall again, is none', () => {
    const step = onCandidate({ limits });
    grow(step, 900, (second) => (second < 300 ? 200 : 500));
    expect(step.servingDigest()).toBe(C);
    const sawtooth = onCandidate({ limits });
    grow(sawtooth, 900, (second) => 200 + (second % 70));
    expect(sawtooth.servingDigest()).toBe(C);
  });

  it('of which the half was before a gap in our own time begins anew', () => {
    const world = onCandidate({ limits });
    for (let half = 0; half < 4; half += 1) {
      grow(world, 100, (second) => 200 + second);
      world.nowMs += 60_000;
    }
    expect(world.servingDigest()).toBe(C);
  });

  it('below the limit is left to the memory limit of the runner', () => {
    const world = onCandidate({ limits });
    grow(world, 900, (second) => 200 + second / 10);
    expect(world.servingDigest()).toBe(C);
  });

  it('that nobody could read is not judged', () => {
    const world = onCandidate({ limits });
    run(world, 400, { othersCpuPct: 1 });
    expect(world.servingDigest()).toBe(C);
  });
});
