// Whatever runners do, every frame is answered once or dropped once for a counted reason, and its slot comes free once.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fleetKill } from './core/core-world.ts';
import { FrameWorld } from './frame-world.ts';

const CAMERA = 'camera-1';
const RUNNERS = ['b', 'c'] as const;

const step = fc.oneof(
  { weight: 12, arbitrary: fc.constant('frame' as const) },
  { weight: 6, arbitrary: fc.constant('answer b' as const) },
  { weight: 6, arbitrary: fc.constant('answer c' as const) },
  ...(['nan c', 'fault b', 'fault c', 'crash b', 'crash c', 'oom c', 'late', 'shadow', 'serve', 'kill'] as const).map(
    (what) => ({ weight: 1, arbitrary: fc.constant(what) }),
  ),
);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Play {
  readonly world = new FrameWorld();
  frames = 0;
  #generation = 0;

  step(what: Step): void {
    const [act, name = ''] = what.split(' ');
    if (act === 'frame') this.#frame();
    else if (act === 'late') this.world.wait(400);
    else if (act === 'shadow' || act === 'serve') this.world.ask(act, ++this.#generation);
    else if (act === 'kill') this.world.kill([fleetKill('k-1')], ++this.#generation);
    else this.#runner(act, name);
  }

  /** Every runner says all it has to say, again and again: frames move from one to the other. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 30; turn += 1) {
      for (const name of RUNNERS) this.#runner('answer', name);
      await vi.advanceTimersByTimeAsync(20);
    }
    // What hangs by now is ended by its deadlines.
    this.world.wait(60_000);
    await vi.advanceTimersByTimeAsync(20);
    for (let turn = 0; turn < 30; turn += 1) {
      for (const name of RUNNERS) this.#runner('answer', name);
      await vi.advanceTimersByTimeAsync(20);
    }
  }

  #frame(): void {
    this.frames += 1;
    this.world.frame();
    this.world.nowMs += 10;
  }

  #runner(act: string | undefined, name: string): void {
    const found = RUNNERS.some((one) => one === name) && this.#has(name) ? this.world.runner(name) : null;
    if (act === 'answer') found?.answer();
    else if (act === 'nan') found?.answer({ finite: false });
    else if (act === 'fault') found?.fault('made-up');
    else if (act === 'crash') found?.crash();
    else found?.crash('SIGKILL');
  }

  #has(name: string): boolean {
    try {
      this.world.runner(name);
      return true;
    } catch {
      // Never loaded so far.
      return false;
    }
  }
}

describe('captured = processed + dropped', () => {
  it('holds at rest after any course of answers, faults, crashes, kills and orders', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const play = new Play();
        for (const what of steps) {
          play.step(what);
          await vi.advanceTimersByTimeAsync(1);
        }
        await play.rest();
        const { processed, dropped } = play.world.loop.counter.take(CAMERA);
        expect(processed + Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(play.frames);
        expect(processed).toBe(new Set(play.world.answers.map(({ request_id: id }) => id)).size);
        expect(play.world.answers).toHaveLength(processed);
        expect(play.world.released.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: play.frames }, (_, i) => i + 1),
        );
      }),
      { numRuns: 60 },
    );
  });
});
