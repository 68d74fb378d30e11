// What an agent does when it is asked for pictures: once for each ask of this boot, never against its configuration, and
// nothing at all while nobody asks.
import { describe, expect, it } from 'vitest';
import { type Flight, type Lane, openLane } from '../../../agent/frame.ts';
import { outcomeOf, pairUp } from '../../../agent/frame-outcome.ts';
import { PicturesOnDemand } from '../../../agent/pictures/pictures.ts';
import type { Taken } from '../../../agent/pictures/taken.ts';
import type { PictureUpload } from '../../../shared/protocol/api-pictures.ts';
import { type Ask, askSchema } from '../../../shared/protocol/documents.ts';
import type { Answer } from '../../../shared/release/answers.ts';
import type { InputContract } from '../../../shared/release/manifest.ts';
import { openFakeRunner } from '../../fakes/fake-runner.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

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
const SHADOW = 'c'.repeat(64);

class World {
  nowMs = 1000;
  isShadowing = false;
  copied = 0;
  readonly developed: (readonly Taken[])[] = [];
  readonly sent: { readonly id: string; readonly upload: PictureUpload }[] = [];
  readonly timers = new Map<number, () => void>();
  readonly pictures: PicturesOnDemand;
  readonly #lanes = { baseline: lane('b'.repeat(64)), shadow: lane(SHADOW) };
  #seq = 0;

  constructor(policy: 'allowed' | 'never' = 'allowed') {
    this.pictures = new PicturesOnDemand({
      policy,
      boot: 'boot-0001',
      cameraIds: ['top'],
      isShadowing: () => this.isShadowing,
      readFrame: (_, __, slot) => {
        this.copied += 1;
        return Uint8Array.of(slot);
      },
      monotonicNow: () => this.nowMs,
      after: (ms, run) => {
        this.timers.set(ms, run);
        return () => this.timers.delete(ms);
      },
      develop: async (taken) => {
        this.developed.push(taken);
        return { kind: 'pictures', pictures: [], note: `${taken.length} taken` };
      },
      send: async (id, upload) => {
        this.sent.push({ id, upload });
        return 1000;
      },
      log: openRecordingLog(),
    });
  }

  ask(part: Partial<Ask> = {}): Promise<void> {
    const header = { v: 1, site: 'plant-a', device: 'cam-01', boot: 'boot-0001', id: 'ask-0001', what: 'last-frame' };
    return this.pictures.asked(askSchema.parse({ ...header, issuedAtMs: 1, pictureBytesMax: 100_000, ...part }));
  }

  /** A frame that the baseline answers, and the shadow too when it is given an answer. */
  frame(found: readonly string[], byShadow: readonly string[] | null = null): void {
    this.#seq += 1;
    const token = {
      ...{ cameraId: 'top', seq: this.#seq, slot: this.#seq, index: 0, capturedAtMs: 5, monotonicMs: this.nowMs },
      picture: { width: 8, height: 8 },
    };
    const pair = byShadow === null ? null : { baseline: null, candidate: null };
    const fresh = { isSettled: false, shadow: null, holds: 1, pair };
    const frame = { cameraId: 'top', requestId: `a/top/b-${this.#seq}`, token, ...fresh };
    this.#answer(frame, 'baseline', found);
    if (byShadow !== null) this.#answer(frame, 'shadow', byShadow);
  }

  #answer(frame: Flight['frame'], role: 'baseline' | 'shadow', labels: readonly string[]): void {
    const lane = this.#lanes[role];
    const flight: Flight = { ...frame.token, frame, role, startedAtMs: 0, isDiverted: false };
    const detections = labels.map((label) => ({ classId: 0, label, score: 0.9, box: [1, 1, 3, 3] as never }));
    const answer: Answer = { task: 'detection', detections };
    const outcome = outcomeOf(lane, flight, { kind: 'answered', latencyMs: 1, runMs: 1, answer, borderline: 0 });
    const pair = pairUp(lane, flight, { ref: lane.ref, answer, borderline: 0 });
    this.pictures.onAnswered({ lane, flight, outcome, pair });
  }
}

function lane(digest: string): Lane {
  const quiet = { onResult: () => undefined, onFault: () => undefined, onExit: () => undefined };
  return openLane({
    ref: { release: digest.slice(0, 1), digest },
    cameraId: 'top',
    labelMap: null,
    input: INPUT,
    runner: openFakeRunner<Flight>(quiet),
  });
}

const reasons = (world: World) =>
  world.sent.map(({ upload }) => (upload.kind === 'refused' ? upload.reason : upload.note));

describe('a last frame', () => {
  it('is copied for who asks, and for nobody else', async () => {
    const world = new World();
    world.frame(['dent']);
    const done = world.ask();
    world.frame(['dent']);
    world.frame(['dent']);
    await done;
    world.frame(['dent']);
    expect(world.copied).toBe(1);
    expect(world.sent).toMatchObject([{ id: 'ask-0001', upload: { kind: 'pictures' } }]);
    expect(world.developed[0]?.[0]).toMatchObject({ requestId: 'a/top/b-2', arms: [{ arm: 'baseline' }] });
  });

  it('is one that both releases have answered, when a shadow runs and comes to one in time', async () => {
    const world = new World();
    world.isShadowing = true;
    const done = world.ask();
    world.frame(['dent']);
    world.frame(['dent'], ['scratch']);
    await done;
    const [taken] = world.developed[0] ?? [];
    expect(taken?.requestId).toBe('a/top/b-2');
    expect(taken?.arms.map(({ objects }) => objects.map(({ label, isDisputed }) => [label, isDisputed]))).toEqual([
      [['dent', true]],
      [['scratch', true]],
    ]);
  });

  it('is refused in words when no camera gives one in time', async () => {
    const world = new World();
    const done = world.ask();
    world.timers.get(4000)?.();
    await done;
    expect(reasons(world)).toEqual(['no frame was answered within 4 s: top']);
  });
});

describe('an ask', () => {
  it('is obeyed once, by the boot that it is for, and not twice in a second', async () => {
    const world = new World();
    await world.ask({ boot: 'boot-0000' });
    expect(world.sent).toEqual([]);
    const first = world.ask();
    world.frame(['dent']);
    await first;
    await world.ask();
    expect(world.sent).toHaveLength(1);
    await world.ask({ id: 'ask-0002' });
    expect(reasons(world).at(-1)).toBe('it was asked less than a second ago');
    world.nowMs += 1000;
    const third = world.ask({ id: 'ask-0003' });
    world.frame(['dent']);
    await third;
    expect(world.sent.at(-1)).toMatchObject({ id: 'ask-0003', upload: { kind: 'pictures' } });
  });

  it('gets nothing from a device that is configured to give none', async () => {
    const world = new World('never');
    await world.ask();
    expect(reasons(world)[0]).toContain('pictures: never');
    expect(world.copied).toBe(0);
  });
});

describe('disagreements', () => {
  const order = { what: 'disagreements', digest: SHADOW, framesMax: 2, keepMs: 60_000 } as const;

  it('are kept from the first ask on, the largest of them, a copy a second at most, and sent again when asked', async () => {
    const world = new World();
    world.isShadowing = true;
    world.frame(['dent'], []);
    expect(world.copied).toBe(0);
    const first = world.ask(order);
    for (const found of [['dent'], ['dent', 'dent'], ['dent', 'dent', 'dent']]) {
      world.frame(found, []);
      world.frame(found, []);
      world.nowMs += 1000;
    }
    world.frame(['dent'], ['dent']);
    world.timers.get(10_000)?.();
    await first;
    expect(world.copied).toBe(3);
    expect(world.developed[0]?.map(({ requestId }) => requestId)).toEqual(['a/top/b-6', 'a/top/b-4']);
    await world.ask({ ...order, id: 'ask-0002' });
    expect(world.developed[1]).toEqual(world.developed[0]);
  });

  it('are none of another shadow, and none after they are forgotten or nobody has asked for long', async () => {
    const world = new World();
    await world.ask(order);
    expect(reasons(world)).toEqual(['no candidate shadows here now']);
    world.isShadowing = true;
    const asked = (id: string, part: Partial<Ask> = {}) => {
      world.nowMs += 1000;
      return world.ask({ ...order, ...part, id });
    };
    const other = asked('ask-0002', { digest: 'd'.repeat(64) });
    world.frame(['dent'], []);
    world.timers.get(10_000)?.();
    await other;
    expect(world.copied).toBe(0);
    const own = asked('ask-0003');
    world.frame(['dent'], []);
    world.timers.get(10_000)?.();
    await own;
    expect(world.copied).toBe(1);
    await asked('ask-0004', { what: 'forget' });
    world.nowMs += 2000;
    world.frame(['dent'], []);
    expect(world.copied).toBe(1);
    const anew = asked('ask-0005');
    world.timers.get(10_000)?.();
    await anew;
    world.nowMs += 60_000;
    world.frame(['dent'], []);
    expect(world.copied).toBe(1);
  });
});
