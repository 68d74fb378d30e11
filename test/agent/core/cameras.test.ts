// A camera in trouble is told with its cause, in the event and for as long as it lasts.
import { describe, expect, it } from 'vitest';
import { blockedOf } from '../../../agent/core/explain.ts';
import { freshDurable } from '../../../agent/core/state.ts';
import { CoreWorld, FACTORY } from './core-world.ts';

const BELT = { kind: 'camera', cameraId: 'belt' } as const;

function onFactory(): CoreWorld {
  return new CoreWorld(freshDurable(FACTORY)).settle();
}

describe('a camera', () => {
  it('that is lost is told with why, and again when it is back', () => {
    const world = onFactory();
    world.send({ ...BELT, lost: true, healthy: null, why: 'ffmpeg is not installed; run "apt-get install ffmpeg"' });
    const reason = 'camera belt gives no frames: ffmpeg is not installed; run "apt-get install ffmpeg"';
    expect(world.last('camera-lost')).toMatchObject({ reason });
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([{ kind: 'camera-lost', reason }]);
    world.send({ ...BELT, lost: false, healthy: true, why: null });
    expect(world.last('camera-back')).toMatchObject({ reason: 'camera belt gives frames again' });
    expect(blockedOf(world.state, world.nowMs)).toEqual([]);
  });

  it('that gives frames nobody can judge by is told as long as it does', () => {
    const world = onFactory();
    world.send({ ...BELT, lost: false, healthy: false, why: 'the very same picture for 31 s' });
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([
      { kind: 'camera-unusable', reason: 'camera belt is unhealthy: the very same picture for 31 s' },
    ]);
    world.send({ ...BELT, lost: false, healthy: true });
    expect(blockedOf(world.state, world.nowMs)).toEqual([]);
  });
});
