// A candidate that answers nothing: the baseline is asked about the very same frames, tells nobody what it saw, and never
// costs a frame its place.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ref } from './core/core-world.ts';
import { FrameWorld } from './frame-world.ts';

const detections = (count: number) => ({
  task: 'detection' as const,
  detections: Array.from({ length: count }, () => ({
    classId: 1,
    label: 'dent',
    score: 0.9,
    box: [1, 1, 5, 5] as [number, number, number, number],
  })),
});

let world: FrameWorld;

beforeEach(() => {
  vi.useFakeTimers();
  world = new FrameWorld();
});

afterEach(() => vi.useRealTimers());

/** Ten frames a second; each is answered by `by` with so many objects, and by the baseline, when it is asked, with one. */
function seconds(count: number, by: 'b' | 'c', objects: number): number {
  let asked = 0;
  for (let frame = 0; frame < count * 10; frame += 1) {
    world.frame();
    if (by === 'c' && world.runner('b').outstanding().length > 0) {
      asked += 1;
      world.runner('b').answer({ answer: detections(1) });
    }
    world.runner(by).answer({ answer: detections(objects) });
    world.wait(100);
    if (frame % 10 === 9) world.control.send({ kind: 'tick' });
  }
  return asked;
}

describe('a candidate that answers nothing', () => {
  it('is suspected, and taken back once the baseline has found something in the same frames', () => {
    seconds(10, 'b', 1);
    world.ask('serve');
    expect(seconds(9, 'c', 0)).toBe(0);
    const outcomes = world.outcomes.length;
    expect(seconds(10, 'c', 0)).toBeGreaterThan(10);
    // What the baseline said went to the limits alone: no answer left, no figure was counted.
    expect(world.outcomes.length - outcomes).toBe(100);
    expect(world.pairs).toEqual([]);
    expect(world.said().split(' ').at(-1)).toMatch(/^c/);
    seconds(9, 'c', 0);
    expect(world.control.state().serving.ref?.digest).toBe(ref('c').digest);
    seconds(3, 'c', 0);
    expect(world.events.find((event) => event.kind === 'breach')).toMatchObject({ breach: 'empty' });
    expect(world.control.state().serving.ref?.digest).toBe(ref('b').digest);
  });

  it('asks only a baseline that has nothing to do, and an opinion that is late or fails is no fault', () => {
    seconds(10, 'b', 1);
    world.ask('serve');
    seconds(12, 'c', 0);
    for (let frame = 0; frame < 5 && world.runner('b').outstanding().length === 0; frame += 1) {
      world.frame();
      world.runner('c').answer({ answer: detections(0) });
    }
    expect(world.runner('b').outstanding()).toHaveLength(1);
    for (let frame = 0; frame < 20; frame += 1) {
      world.frame();
      world.runner('c').answer({ answer: detections(0) });
    }
    expect(world.runner('b').outstanding()).toHaveLength(1);
    world.runner('b').fault('run-failed');
    expect(world.lost()).toBe('');
    expect(world.events.map((event) => event.kind)).not.toContain('breach');
    expect(new Set(world.released).size).toBe(world.released.length);
  });
});
