// When a frame is copied for the preview: only for a viewer, seldom, and only one whose answers belong to it.
import { describe, expect, it } from 'vitest';
import { type Flight, type Lane, openLane } from '../../../agent/frame.ts';
import { type AnsweredFrame, outcomeOf, pairUp } from '../../../agent/frame-outcome.ts';
import { Pictures } from '../../../agent/preview/pictures.ts';
import type { Answer } from '../../../shared/release/answers.ts';
import type { InputContract } from '../../../shared/release/manifest.ts';
import { openFakeRunner } from '../../fakes/fake-runner.ts';

const INPUT: InputContract = {
  name: 'image',
  dtype: 'uint8',
  layout: 'NHWC',
  shape: [1, 8, 8, 3],
  color: 'rgb',
  fit: 'letterbox',
  pad: 114,
  resample: 'linear',
  normalise: 'in-graph',
};

class World {
  nowMs = 1000;
  readonly copied: number[] = [];
  readonly pictures = new Pictures({
    monotonicNow: () => this.nowMs,
    readFrame: (_, __, slot) => {
      this.copied.push(slot);
      return Uint8Array.of(slot);
    },
  });
  readonly #baseline = this.#lane('b');
  readonly #candidate = this.#lane('c');
  #seq = 0;

  /** A frame of the camera; `isShadowed`: the shadow gets it too. */
  frame(isShadowed = false): Flight['frame'] {
    this.#seq += 1;
    const token = {
      ...{ cameraId: 'top', seq: this.#seq, slot: this.#seq, index: 0, capturedAtMs: 5, monotonicMs: this.nowMs },
      picture: { width: 8, height: 8 },
    };
    const pair = isShadowed ? { baseline: null, candidate: null } : null;
    return {
      cameraId: 'top',
      requestId: `a/top/b-${this.#seq}`,
      token,
      holds: 1,
      isSettled: false,
      shadow: null,
      pair,
    };
  }

  answer(frame: Flight['frame'], role: 'baseline' | 'shadow', label: string): void {
    const lane = role === 'shadow' ? this.#candidate : this.#baseline;
    const flight: Flight = { ...frame.token, frame, role, startedAtMs: 0, isDiverted: false };
    const answer: Answer = { task: 'detection', detections: [{ classId: 0, label, score: 0.9, box: [1, 1, 3, 3] }] };
    const outcome = outcomeOf(lane, flight, { kind: 'answered', latencyMs: 1, runMs: 1, answer, borderline: 0 });
    const pair = pairUp(lane, flight, { ref: lane.ref, answer, borderline: 0 });
    const answered: AnsweredFrame = { lane, flight, outcome, pair };
    this.pictures.onAnswered(answered);
  }

  shown(): readonly string[] {
    const arms = this.pictures.latest('top')?.arms ?? [];
    return arms.map(({ arm, objects }) => `${arm}: ${objects.map(({ label }) => label).join()}`);
  }

  #lane(digest: string): Lane {
    const ref = { release: digest, digest };
    const quiet = { onResult: () => undefined, onFault: () => undefined, onExit: () => undefined };
    const runner = openFakeRunner<Flight>(quiet);
    return openLane({ ref, cameraId: 'top', labelMap: null, input: INPUT, runner });
  }
}

describe('Pictures', () => {
  it('copies nothing while nobody looks, and nothing more when the viewer has gone', () => {
    const world = new World();
    world.answer(world.frame(), 'baseline', 'dent');
    expect(world.copied).toEqual([]);
    world.pictures.asked();
    world.answer(world.frame(), 'baseline', 'dent');
    expect(world.copied).toEqual([2]);
    world.nowMs += 6000;
    world.answer(world.frame(), 'baseline', 'dent');
    expect(world.copied).toEqual([2]);
  });

  it('copies twice a second at most, and keeps the one before for a page that still wants it', () => {
    const world = new World();
    world.pictures.asked();
    for (let at = 0; at < 30; at += 1) {
      world.answer(world.frame(), 'baseline', 'dent');
      world.nowMs += 100;
    }
    expect(world.copied).toHaveLength(6);
    expect([6, 5, 4].map((id) => world.pictures.find('top', id)?.frame[0] ?? null)).toEqual([26, 21, null]);
  });

  it.each([
    ['baseline', 'shadow'],
    ['shadow', 'baseline'],
  ] as const)('shows both arms of one frame, whoever answers first (%s)', (first, second) => {
    const world = new World();
    world.pictures.asked();
    const frame = world.frame(true);
    world.answer(frame, first, first);
    world.answer(frame, second, second);
    expect(world.shown()).toEqual(['baseline: baseline', 'candidate: shadow']);
    expect(world.pictures.latest('top')?.isPair).toBe(true);
  });

  it('never mixes the answers of two frames', () => {
    const world = new World();
    world.pictures.asked();
    const [one, other] = [world.frame(true), world.frame(true)];
    world.answer(one, 'baseline', 'of one');
    world.answer(other, 'shadow', 'of the other');
    expect(world.shown()).toEqual(['baseline: of one']);
  });

  it('lets a frame of both arms stay for some seconds, where few are compared', () => {
    const world = new World();
    world.pictures.asked();
    const both = world.frame(true);
    world.answer(both, 'baseline', 'both');
    world.answer(both, 'shadow', 'both');
    world.nowMs += 2900;
    world.answer(world.frame(), 'baseline', 'alone');
    expect(world.shown()).toEqual(['baseline: both', 'candidate: both']);
    world.nowMs += 200;
    world.answer(world.frame(), 'baseline', 'alone');
    expect(world.shown()).toEqual(['baseline: alone']);
  });
});
