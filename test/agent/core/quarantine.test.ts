// Quarantine: whatever a release did, it is set aside with a typed reason, on disk, and neither a reboot, nor time, nor the same
// order again tries it once more.
import { describe, expect, it } from 'vitest';
import type { DeathKind } from '../../../agent/core/events.ts';
import { blockedOf, reportOf } from '../../../agent/core/explain.ts';
import { QUARANTINE_MAX } from '../../../agent/core/quarantine.ts';
import { freshDurable, type QuarantineKind } from '../../../agent/core/state.ts';
import { CoreWorld, desired, FACTORY, ref } from './core-world.ts';

const C = ref('c');
const ORDER = desired(7, 'b', { name: 'c', role: 'serve' });

function openDevice(): CoreWorld {
  return new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b') }).settle();
}

function serve(world: CoreWorld): void {
  world.order(ORDER);
  world.settle();
  expect(world.servingDigest()).toBe(C.digest);
}

/** As often as it takes; comes back in between. */
function die(world: CoreWorld, how: DeathKind, times: number): void {
  for (let time = 0; time < times; time += 1) {
    serve(world);
    world.send({ kind: 'runner-died', digest: C.digest, how, reason: `its ${how}` });
  }
}

/** Ends of its runner for want of memory until it is set aside, under an order that allows so many. */
function endsUntilSetAside(oomStrikes: number): number {
  const world = openDevice();
  for (let ends = 1; ends <= 5; ends += 1) {
    world.settle();
    world.order({ ...ORDER, limits: { ...ORDER.limits, oomStrikes } });
    world.settle();
    world.send({ kind: 'runner-died', digest: C.digest, how: 'oom', reason: 'its oom' });
    if (world.disk.quarantine.length > 0) return ends;
  }
  return Number.POSITIVE_INFINITY;
}

function failFrames(world: CoreWorld, fault: 'deadline' | 'non-finite' | 'fault', times: number): void {
  for (let time = 0; time < times; time += 1) {
    serve(world);
    for (let frame = 0; frame < 5 && world.servingDigest() === C.digest; frame += 1)
      world.send({ kind: 'frame-fault', digest: C.digest, role: 'candidate', fault, detail: '' });
  }
}

function failProof(world: CoreWorld): void {
  world.order(ORDER);
  world.finish(C.digest);
  world.finish(C.digest, 'bad');
}

function takeTheBoxDown(world: CoreWorld): void {
  for (let boot = 0; boot < 3; boot += 1) {
    world.settle();
    world.order(ORDER);
    world.finish(C.digest);
    world.reboot();
  }
}

function breakALimit(world: CoreWorld): void {
  world.order({ ...ORDER, limits: { ...ORDER.limits, fpsFloor: 5 } });
  world.settle();
  for (let second = 0; second < 8; second += 1) {
    for (let frame = 0; frame < 10; frame += 1) world.send({ kind: 'offered' });
    world.wait(1000);
  }
}

const WAYS: readonly (readonly [QuarantineKind, (world: CoreWorld) => void])[] = [
  ['crash', (world) => die(world, 'crash', 1)],
  ['hang', (world) => die(world, 'hang', 1)],
  ['hang', (world) => failFrames(world, 'deadline', 1)],
  ['oom', (world) => die(world, 'oom', 2)],
  ['fault', (world) => failFrames(world, 'fault', 2)],
  ['non-finite', (world) => failFrames(world, 'non-finite', 2)],
  ['proof-failed', failProof],
  ['crash-loop', takeTheBoxDown],
  ['breach', breakALimit],
];

/** What the hands were asked to do with the release since. */
function touched(world: CoreWorld, act: () => void): readonly string[] {
  const seen: string[] = [];
  const { send } = world;
  world.send = (event) => {
    const effects = send.call(world, event);
    for (const effect of effects) if ('ref' in effect && effect.ref.digest === C.digest) seen.push(effect.kind);
    return effects;
  };
  act();
  world.send = send;
  return seen;
}

describe('want of memory', () => {
  it.each([1, 2, 3])('sets a release aside the %i. time, as its rollout says', (oomStrikes) => {
    expect(endsUntilSetAside(oomStrikes)).toBe(oomStrikes);
  });
});

describe('a release that is set aside', () => {
  it.each(WAYS)(
    'as %s is told with its kind, stays so over reboots and days, and the same order does not try it',
    (kind, fail) => {
      const world = openDevice();
      fail(world);
      expect(world.disk.quarantine).toMatchObject([{ digest: C.digest, kind, generation: 7 }]);
      expect(world.last('quarantined')).toMatchObject({ digest: C.digest });
      const again = touched(world, () => {
        for (let boot = 0; boot < 3; boot += 1) {
          world.reboot();
          world.settle();
          world.order(ORDER);
          world.order(desired(8 + boot, 'b', { name: 'c', role: 'serve' }));
          world.settle().wait(6 * 3_600_000);
        }
      });
      expect(again).toEqual([]);
      expect(world.servingDigest()).toBe(ref('b').digest);
      expect(reportOf(world.state, world.nowMs).quarantine).toMatchObject([{ digest: C.digest, kind }]);
      expect(blockedOf(world.state, world.nowMs)[0]?.reason).toContain(`${C.release} is quarantined (${kind}): `);
    },
  );

  it('is not taken as a baseline either, until a newer order lifts it', () => {
    const world = openDevice();
    die(world, 'crash', 1);
    world.order(desired(8, 'c'));
    world.settle().wait(60_000);
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.state.durable.committed.digest).toBe(ref('b').digest);
    world.order(desired(9, 'c', null, { liftQuarantine: [{ digest: C.digest, reason: 'driver updated' }] }));
    world.settle();
    for (let frame = 0; frame < 12; frame += 1) world.answer();
    expect(world.state.durable.committed.digest).toBe(C.digest);
  });

  it('as one of too many stops every candidate, and the device says why', () => {
    const quarantine = Array.from({ length: QUARANTINE_MAX }, (_, at) => {
      return {
        ...ref(String.fromCharCode(103 + at)),
        kind: 'crash' as const,
        reason: 'SIGSEGV',
        sinceMs: 1,
        generation: 1,
      };
    });
    const world = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), quarantine }).settle();
    world.order(desired(2, 'b', { name: 'c', role: 'serve' }));
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(blockedOf(world.state, world.nowMs)[0]?.reason).toBe('the quarantine list of this device is full');
    const liftQuarantine = [{ digest: ref('g').digest, reason: 'looked at' }];
    world.order(desired(3, 'b', { name: 'c', role: 'serve' }, { liftQuarantine }));
    expect(world.settle().servingDigest()).toBe(C.digest);
  });
});
