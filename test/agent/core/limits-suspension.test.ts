// Taken off without quarantine: away for a cool-down, twice as long each time, and never for ever in circles. And what
// holds for every limit: none before its dwell, none for a baseline.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { B, baselineWorld, C, LIMITS, onCandidate, order, run } from './limits-world.ts';

const throttled = { sensors: { throttled: true } };
const low = { sensors: { batteryPct: 10, batteryCharging: false } };
const free = { sensors: { throttled: false, batteryPct: 80, batteryCharging: true } };

describe('a suspended candidate', () => {
  it('comes back after its cool-down, not before, and stays away twice as long the second time', () => {
    const world = onCandidate({ limits: { coolDownMs: 60_000 }, alone: free });
    run(world, 33, throttled);
    expect(world.servingDigest()).toBe(B);
    run(world, 55, free);
    expect(world.settle().servingDigest()).toBe(B);
    run(world, 10, free);
    expect(world.settle().servingDigest()).toBe(C);
    run(world, 400, free);
    run(world, 33, throttled);
    run(world, 100, free);
    expect(world.settle().servingDigest()).toBe(B);
    run(world, 25, free);
    expect(world.settle().servingDigest()).toBe(C);
  });

  it('is set aside the third time for what points at it', () => {
    const world = onCandidate({ limits: { coolDownMs: 10_000 }, alone: free });
    for (let time = 0; time < 3; time += 1) {
      run(world, 33, throttled);
      run(world, 400, free);
      world.settle();
      run(world, 5, free);
    }
    expect(world.servingDigest()).toBe(B);
    expect(world.disk.quarantine[0]?.reason).toMatch(/^taken off 3 times: throttled/);
  });

  it('waits for a newer order the third time when only the machine is at fault, and is never set aside', () => {
    const world = onCandidate({ limits: { coolDownMs: 10_000 }, alone: free });
    for (let time = 0; time < 3; time += 1) {
      run(world, 12, low);
      expect(world.servingDigest()).toBe(B);
      run(world, 60, free);
      world.settle();
      run(world, 5, free);
    }
    run(world, 30_000, { fps: 0, ...free });
    expect(world.settle().servingDigest()).toBe(B);
    expect(world.disk.quarantine).toEqual([]);
    expect(world.state.suspensions.get(C)?.reason).toMatch(/^taken off until a newer order \(3 of 3\): battery 10 %/);
    order(world);
    run(world, 2, free);
    expect(world.settle().servingDigest()).toBe(C);
  });

  it('stays away though the order is given again meanwhile', () => {
    const world = onCandidate({ alone: free });
    run(world, 33, throttled);
    order(world);
    run(world, 60, free);
    expect(world.settle().servingDigest()).toBe(B);
  });

  it('loses no start for it: that end was our own will', () => {
    const world = onCandidate({ alone: free });
    run(world, 33, throttled);
    world.settle();
    expect(world.disk.attempts).toEqual([]);
  });
});

const conditions = fc.record({
  fps: fc.integer({ min: 0, max: 8 }),
  latencyMs: fc.constantFrom(10, 20, 100, 900),
  isBlind: fc.boolean(),
  alerts: fc.integer({ min: 0, max: 5 }),
  temperatureC: fc.constantFrom(null, 50, 91, 99),
  throttled: fc.constantFrom(null, false, true),
  batteryPct: fc.constantFrom(null, 5, 60, 90),
  batteryCharging: fc.constantFrom(null, false, true),
  batteryPctPerHour: fc.constantFrom(null, -5, -50, -500),
  othersCpuPct: fc.constantFrom(0, 30, 90),
  memoryMb: fc.integer({ min: 50, max: 3000 }),
});
type Conditions = typeof conditions extends fc.Arbitrary<infer T> ? T : never;

function secondOf(now: Conditions) {
  const { fps, latencyMs, temperatureC, batteryPct, batteryCharging, batteryPctPerHour, othersCpuPct } = now;
  const content = () => (now.isBlind ? { objects: 0, alerts: 0 } : { objects: 5, alerts: now.alerts });
  const sensors = { temperatureC, throttled: now.throttled, batteryPct, batteryCharging, batteryPctPerHour };
  const opinion = () => ({ objects: 1, alerts: 0 });
  return { fps, latencyMs, content, opinion, sensors, othersCpuPct, memoryBytes: now.memoryMb * 1024 * 1024 };
}

describe('whatever the machine, the camera and the answers are like', () => {
  it('no level is broken before the shortest of the dwells is over', () => {
    fc.assert(
      fc.property(fc.array(conditions, { minLength: 1, maxLength: 4 }), (seconds) => {
        const world = onCandidate({ aloneS: 30 });
        for (const now of seconds) run(world, 1, secondOf(now));
        expect(world.kinds()).not.toContain('breach');
        expect(world.servingDigest()).toBe(C);
      }),
      { numRuns: 60 },
    );
  });

  it('a baseline is never set aside, suspended or left by a level', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(conditions, fc.integer({ min: 1, max: 90 })), { maxLength: 8 }), (stretches) => {
        const world = baselineWorld();
        for (const [now, seconds] of stretches) run(world, seconds, secondOf(now));
        expect(world.kinds()).not.toContain('breach');
        expect(world.disk.quarantine).toEqual([]);
        expect(world.state.suspensions.size).toBe(0);
        expect(world.servingDigest()).toBe(B);
      }),
      { numRuns: 40 },
    );
  });

  it('a breach says what was observed and which limit it is above, and someone answers after it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(conditions, fc.integer({ min: 1, max: 90 })), { maxLength: 8 }), (stretches) => {
        const world = onCandidate({ aloneS: 30, limits: LIMITS });
        for (const [now, seconds] of stretches) run(world, seconds, secondOf(now));
        for (const event of world.events.filter((one) => one.kind === 'breach'))
          expect(event.reason).toMatch(/\d.*[<>≥].*\d/);
        expect(world.servingDigest()).not.toBeNull();
      }),
      { numRuns: 40 },
    );
  });
});
