// A clock that is set after the start: what was dated by the wrong one, and what depends on how old something is.
import { describe, expect, it } from 'vitest';
import { blockedOf } from '../../../agent/core/explain.ts';
import { isProofFresh } from '../../../agent/core/memory-mode.ts';
import { CoreWorld, desired, FACTORY, ref } from './core-world.ts';

const NOW_2026 = Date.UTC(2026, 10, 21);

/** A box without a clock battery: it starts in 1970, and its network tells it the time later. */
function bootIn1970(): CoreWorld {
  const world = new CoreWorld();
  world.state = { ...world.state, wallOffsetMs: 5_000 - world.nowMs };
  return world.settle();
}

const tick = (world: CoreWorld, wallNowMs?: number) =>
  world.send({ kind: 'tick', ...(wallNowMs === undefined ? {} : { wallNowMs }) });

describe('a clock that is set after the start', () => {
  it('dates what happens from then on', () => {
    const world = bootIn1970();
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: false, healthy: null });
    tick(world, NOW_2026);
    world.nowMs += 1_000;
    world.send({ kind: 'camera', cameraId: 'camera-1', lost: true, healthy: null });
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([{ kind: 'camera-lost', sinceMs: NOW_2026 + 1_000 }]);
  });

  it('leaves a golden result of this boot as fresh as it is', () => {
    const world = bootIn1970();
    world.order(desired(1, 'f', { name: 'c', role: 'shadow' }));
    world.settle();
    // The result wears the date of the clock at its time, which is right by then.
    const proof = world.state.proofs.get(ref('c').digest);
    const proofs = new Map([[FACTORY.digest, { ...proof!, ...FACTORY, atMs: NOW_2026 }]]);
    world.state = { ...world.state, proofs };
    expect(isProofFresh(world.state, FACTORY, world.nowMs)).toBe(false);
    tick(world, NOW_2026 + 60_000);
    expect(isProofFresh(world.state, FACTORY, world.nowMs)).toBe(true);
  });

  it('is not followed by moments, which would be another report each', () => {
    const world = new CoreWorld().settle();
    const before = world.state.wallOffsetMs;
    tick(world, before + world.nowMs + 900);
    tick(world);
    expect(world.state.wallOffsetMs).toBe(before);
  });
});
