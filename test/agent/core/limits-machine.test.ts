// Slow because of the machine: a neighbour, throttling that everybody shares, and time in which we ourselves stood still
// are not held against a release; throttling that begins with it is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadlineMs } from '../../../agent/core/deadlines.ts';
import { blockedOf } from '../../../agent/core/explain.ts';
import { B, baselineWorld, C, LIMITS, onCandidate, order, run } from './limits-world.ts';

const SLOW = { fps: 10, answered: 3, latencyMs: 100 } as const;

describe('a busy neighbour', () => {
  const calm = { othersCpuPct: 10, sensors: { cpuLoadPct: 60 } };
  const busy = { othersCpuPct: 55, sensors: { cpuLoadPct: 99 } };

  it('holds frame rate and latency, and their dwell begins when it has gone', () => {
    const world = onCandidate({ alone: calm });
    run(world, 60, { ...SLOW, ...busy });
    expect(world.servingDigest()).toBe(C);
    // The average follows for some seconds, and the hold goes on ten seconds longer.
    run(world, 12, { ...SLOW, ...calm });
    expect(world.servingDigest()).toBe(C);
    run(world, 20, { ...SLOW, ...calm });
    expect(world.servingDigest()).toBe(B);
  });

  it('that was there while the baseline was measured excuses nobody', () => {
    const world = onCandidate({ alone: busy });
    run(world, 12, { ...SLOW, ...busy });
    expect(world.last('breach')?.breach).toBe('fps');
  });

  it('is none while nobody waits for a processor', () => {
    for (const sensors of [{ cpuLoadPct: 60 }, { cpuLoadPct: 99, cpuPressurePct: 3 }]) {
      const world = onCandidate({ alone: calm });
      run(world, 12, { ...SLOW, othersCpuPct: 55, sensors });
      expect(world.servingDigest()).toBe(B);
    }
  });

  it('is seen by the pressure that the kernel reports, whatever the load', () => {
    const world = onCandidate({ alone: calm });
    run(world, 60, { ...SLOW, othersCpuPct: 55, sensors: { cpuLoadPct: 70, cpuPressurePct: 40 } });
    expect(world.servingDigest()).toBe(C);
  });

  it('gives frames more time before they are missed, and still finds one that hangs', () => {
    const world = onCandidate({ alone: calm });
    const before = deadlineMs(world.state.tracks, C, 'candidate', LIMITS);
    run(world, 10, busy);
    expect(deadlineMs(world.state.tracks, C, 'candidate', LIMITS)).toBe(4 * Math.min(before, 250));
    for (let miss = 0; miss < 3; miss += 1)
      world.send({ kind: 'frame-fault', digest: C, role: 'candidate', fault: 'deadline', detail: '' });
    expect(world.disk.quarantine[0]?.kind).toBe('hang');
  });
});

describe('throttling', () => {
  const throttled = { sensors: { throttled: true, throttleReasons: ['cooling:cpufreq-cpu0'] } };
  const free = { sensors: { throttled: false } };

  it('that begins with the candidate and lasts takes it off without blame, with its source', () => {
    const world = onCandidate({ alone: free });
    run(world, 5, free);
    run(world, 30, throttled);
    expect(world.servingDigest()).toBe(C);
    run(world, 3, throttled);
    expect(world.servingDigest()).toBe(B);
    expect(world.last('breach')).toMatchObject({
      breach: 'throttling',
      reason: 'throttled (cooling:cpufreq-cpu0) for 30 s > limit 30 s, from 5 s after it came and not before',
    });
    expect(world.disk.quarantine).toEqual([]);
    expect(blockedOf(world.state, world.nowMs)[0]?.reason).toMatch(/^taken off for 10 min \(1 of 3\): throttled/);
  });

  it('that a busy neighbour makes takes it off for a while, and is never blamed on it', () => {
    const calm = { othersCpuPct: 10, sensors: { throttled: false, cpuLoadPct: 60 } };
    const world = onCandidate({ limits: { coolDownMs: 10_000 }, alone: calm });
    for (let time = 1; time <= 4; time += 1) {
      run(world, 5, { othersCpuPct: 80, sensors: { throttled: false, cpuLoadPct: 99 } });
      run(world, 33, { othersCpuPct: 80, sensors: { throttled: true, cpuLoadPct: 99 } });
      expect(world.servingDigest()).toBe(B);
      run(world, 400, calm);
      world.settle();
      run(world, 5, calm);
    }
    expect(world.last('breach')?.breach).toBe('throttling');
    expect(world.disk.quarantine).toEqual([]);
  });

  it('that the baseline was slowed by too is shared: it holds pace and takes nobody off', () => {
    const world = onCandidate({ alone: throttled });
    run(world, 120, { ...SLOW, ...throttled });
    expect(world.servingDigest()).toBe(C);
    expect(world.kinds()).not.toContain('breach');
  });

  it('that comes back after the baseline had it minutes ago is the same heat', () => {
    const world = onCandidate({ alone: throttled });
    run(world, 60, free);
    run(world, 120, throttled);
    expect(world.servingDigest()).toBe(C);
  });

  it('that flickers with the governor counts as one, and one that has gone is forgotten', () => {
    const flickering = onCandidate({ alone: free });
    for (let at = 0; at < 12; at += 1) {
      run(flickering, 1, throttled);
      run(flickering, 3, free);
    }
    expect(flickering.servingDigest()).toBe(B);
    const rare = onCandidate({ alone: free });
    for (let at = 0; at < 12; at += 1) {
      run(rare, 4, throttled);
      run(rare, 15, free);
    }
    expect(rare.servingDigest()).toBe(C);
  });

  it('of a shadow takes the shadow off: it costs the machine as much', () => {
    const world = onCandidate({ role: 'shadow', alone: free });
    run(world, 35, throttled);
    expect(world.state.serving).toMatchObject({ kind: 'baseline', shadow: null });
  });

  it('with the baseline alone blames nobody', () => {
    const world = baselineWorld();
    run(world, 120, throttled);
    expect(world.kinds()).not.toContain('breach');
  });
});

describe('a shadow without a processor', () => {
  const miss = (world: ReturnType<typeof onCandidate>, role: 'shadow' | 'candidate' = 'shadow') =>
    world.send({ kind: 'frame-fault', digest: C, role, fault: 'deadline', detail: '' });
  /** Ten seconds that end with a missed deadline, as of one frame that nobody answers. */
  const starve = (world: ReturnType<typeof onCandidate>, waitingPct: number, times: number) => {
    for (let time = 0; time < times; time += 1) {
      run(world, 10, { waitingPct });
      miss(world);
    }
  };

  it('does not hang: its misses are not counted, for minutes', () => {
    const world = onCandidate({ role: 'shadow' });
    starve(world, 97, 29);
    expect(world.state.serving.shadow?.ref.digest).toBe(C);
    expect(world.disk.quarantine).toEqual([]);
    expect(world.kinds()).not.toContain('breach');
  });

  it('for five minutes shows nothing: it goes for a cool-down, and is never set aside for it', () => {
    const world = onCandidate({ role: 'shadow', limits: { coolDownMs: 60_000 } });
    for (let time = 1; time <= 3; time += 1) {
      starve(world, 97, 31);
      expect(world.state.serving.shadow).toBeNull();
      expect(world.last('breach')).toMatchObject({
        breach: 'starved',
        reason:
          'the machine has no time for it: it stood in line for a processor for 97 % of its time ≥ 50 %, without an answer for 5 min',
      });
      run(world, 300, { waitingPct: 0 });
      world.settle();
      run(world, 2);
    }
    expect(world.disk.quarantine).toEqual([]);
    expect(blockedOf(world.state, world.nowMs)[0]?.reason).toMatch(
      /^taken off until a newer order \(3 of 3\): the machine/,
    );
  });

  it('that answers now and then is left alone, however long', () => {
    const world = onCandidate({ role: 'shadow' });
    for (let minute = 0; minute < 60; minute += 1) {
      starve(world, 90, 6);
      world.send({ kind: 'answered', digest: C, role: 'shadow', latencyMs: 9000, serviceMs: 9000, requestId: 'r' });
    }
    expect(world.state.serving.shadow?.ref.digest).toBe(C);
  });

  it('is another matter than one that had a processor, or of which nobody knows: those hang', () => {
    for (const waitingPct of [0, 40]) {
      const world = onCandidate({ role: 'shadow' });
      starve(world, waitingPct, 3);
      expect(world.disk.quarantine[0]).toMatchObject({ digest: C, kind: 'hang' });
    }
    const unknown = onCandidate({ role: 'shadow' });
    for (let time = 0; time < 3; time += 1) miss(unknown);
    expect(unknown.disk.quarantine[0]?.kind).toBe('hang');
  });

  it('that was starved a minute ago and hangs now is found', () => {
    const world = onCandidate({ role: 'shadow' });
    starve(world, 97, 6);
    starve(world, 0, 3);
    expect(world.disk.quarantine[0]?.kind).toBe('hang');
  });

  it('excuses no release that answers: its frames wait for it', () => {
    const world = onCandidate();
    run(world, 10, { waitingPct: 97 });
    for (let time = 0; time < 3; time += 1) miss(world, 'candidate');
    expect(world.disk.quarantine[0]?.kind).toBe('hang');
  });
});

describe('a gap in our own time', () => {
  const miss = (world: ReturnType<typeof onCandidate>) =>
    world.send({ kind: 'frame-fault', digest: C, role: 'candidate', fault: 'deadline', detail: '' });

  it('counts no deadline that ran out in it, whether the tick or the timer comes first', () => {
    const world = onCandidate();
    run(world, 5);
    world.nowMs += 30_000;
    for (let camera = 0; camera < 8; camera += 1) miss(world);
    world.wait(1000);
    miss(world);
    expect(world.servingDigest()).toBe(C);
    world.wait(2000);
    for (let late = 0; late < 3; late += 1) miss(world);
    expect(world.disk.quarantine[0]?.kind).toBe('hang');
  });

  it('begins every dwell anew', () => {
    const world = onCandidate();
    run(world, 4, SLOW);
    world.nowMs += 60_000;
    run(world, 4, SLOW);
    expect(world.servingDigest()).toBe(C);
    run(world, 3, SLOW);
    expect(world.servingDigest()).toBe(B);
  });

  it('does not turn heat or throttling that was there before into that of the candidate', () => {
    const world = baselineWorld();
    run(world, 40, { sensors: { throttled: true } });
    order(world);
    run(world, 400, { sensors: { throttled: true } });
    world.nowMs += 60_000;
    run(world, 60, { sensors: { throttled: true } });
    expect(world.servingDigest()).toBe(C);
  });

  it('never is a breach by itself, however often and long', () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 2_600, max: 10_000_000 })), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(gaps, fc.boolean(), (stretches, isShadow) => {
        const world = onCandidate({ role: isShadow ? 'shadow' : 'serve', aloneS: 20 });
        for (const [seconds, gapMs] of stretches) {
          // Each stretch is shorter than every dwell, and as bad as can be.
          run(world, seconds, { ...SLOW, latencyMs: 400, sensors: { temperatureC: 99, throttled: true } });
          world.nowMs += gapMs;
          for (let lane = 0; lane < 8; lane += 1) miss(world);
        }
        expect(world.kinds()).not.toContain('breach');
        expect(world.disk.quarantine).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
