// Training in the small: states survive the disk, averages and rates behave, a tiny net learns, batches tell the truth.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../agent/frames/line/random.ts';
import { openModelSession } from '../../../scripts/models/evaluation/model-session.ts';
import { fillDetectorBatch, newDetectorBatch } from '../../../scripts/models/nets/detector-batch.ts';
import { writeModel } from '../../../scripts/models/onnx/writer.ts';
import { loadCheckpoint, saveCheckpoint } from '../../../scripts/models/training/checkpoint.ts';
import { freezeModel, PIXEL_SCALE, PIXEL_SHIFT } from '../../../scripts/models/training/freeze.ts';
import { block, conv } from '../../../scripts/models/training/layers.ts';
import { renderLabelled, SCENE_FINGERPRINT } from '../../../scripts/models/training/scenes.ts';
import { readStrips } from '../../../scripts/models/training/strips.ts';
import { Tape, type Value } from '../../../scripts/models/training/tape.ts';
import { oneCycleRate, openTrainer } from '../../../scripts/models/training/trainer.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-training-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Learns y = mean of the picture's first channel, at 4x4 pixels. */
async function trainTiny(steps: number) {
  const tape = new Tape({ random: createRandom(1), isNormalised: true });
  const x = tape.input('x', [4, 3, 4, 4]);
  const y = tinyNet(tape, x);
  const wanted = tape.input('wanted', y.dims);
  const gap = tape.op('Sub', [y, wanted], y.dims);
  const loss = tape.op('ReduceMean', [tape.op('Mul', [gap, gap], y.dims)], [], { keepdims: 0 });
  tape.backward([[y, gap]]);
  const trainer = await openTrainer(tape, [loss]);
  const random = createRandom(2);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const pixels = Float32Array.from({ length: 4 * 48 }, () => random.gauss());
    const truth = Float32Array.from({ length: 64 }, (_, i) => pixels[Math.floor(i / 16) * 48 + (i % 16)]!);
    const feeds = [
      { value: x, data: pixels },
      { value: wanted, data: truth },
    ];
    losses.push(...(await trainer.step(feeds, { learningRate: 0.02, weightDecay: 0 })));
  }
  await trainer.close();
  return { losses, state: trainer.state };
}

function tinyNet(tape: Tape, x: Value): Value {
  return conv(tape, block(tape, x, 'a', { channels: 8, isFirst: true }), 'b', { channels: 1, kernel: [1, 1] });
}

describe('openTrainer', () => {
  it('learns, and learns the same twice', async () => {
    const [first, second] = [await trainTiny(150), await trainTiny(150)];
    expect(first.losses.at(-1)!).toBeLessThan(first.losses[0]! / 5);
    expect(second.losses).toEqual(first.losses);
  });
});

describe('freezeModel', () => {
  it('folds the norms and takes bytes: the frozen net answers like the trained one', async () => {
    const { state } = await trainTiny(150);
    const model = freezeModel(state, {
      picture: [4, 4, 3],
      build: tinyNet,
      outputName: 'y',
      metadata: { task: 'test' },
    });
    const session = await openModelSession(writeModel(model), { name: 'image_u8', shape: [1, 4, 4, 3] });
    const picture = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256);
    const { output } = await session.run(picture);
    await session.close();
    for (let pixel = 0; pixel < 16; pixel++) {
      const wanted = picture[pixel * 3]! * PIXEL_SCALE + PIXEL_SHIFT;
      expect(Math.abs(output.data[pixel]! - wanted)).toBeLessThan(0.6);
    }
    expect(model.inputs).toEqual([{ name: 'image_u8', dtype: 'uint8', dims: [1, 4, 4, 3] }]);
    expect(model.outputs[0]?.name).toBe('y');
  });
});

describe('checkpoints', () => {
  it('come back bit for bit', async () => {
    const { state } = await trainTiny(3);
    const path = join(folder, 'whole.ckpt');
    saveCheckpoint(path, state);
    expect(loadCheckpoint(path)).toEqual(state);
  });

  it('refuse to load when cut short', async () => {
    const path = join(folder, 'cut.ckpt');
    saveCheckpoint(path, (await trainTiny(1)).state);
    truncateSync(path, 2000);
    expect(() => loadCheckpoint(path)).toThrow('ends inside');
  });
});

describe('oneCycleRate', () => {
  const cycle = { steps: 100, peak: 1, warmShare: 0.1 };

  it('warms up, peaks, and ends near nothing', () => {
    expect(oneCycleRate(0, cycle)).toBeCloseTo(1 / 25);
    expect(oneCycleRate(10, cycle)).toBeCloseTo(1);
    expect(oneCycleRate(99, cycle)).toBeLessThan(0.001);
  });
});

describe('fillDetectorBatch', () => {
  const plan = { batchSize: 2, sizePx: 160, defectShare: 0, positiveWeight: 1, classCount: 4 };
  const blank = { rgb: new Uint8Array(256 * 256 * 3), mask: new Uint8Array(256 * 256) };
  /** In the middle, so that every crop of 160 pixels holds it. */
  const dent = { classId: 1, x: 108, y: 108, w: 40, h: 40, visible: 1 };

  it('gives the cells around a defect its class and its sides', () => {
    const batch = newDetectorBatch(plan);
    fillDetectorBatch(batch, { random: createRandom(1), frames: [{ ...blank, boxes: [dent] }], plan });
    const positive = [...batch.positive.keys()].filter((cell) => batch.positive[cell]! > 0);
    expect(positive.length).toBeGreaterThan(4);
    expect(batch.positive.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
    for (const cell of positive) {
      const [slot, at] = [Math.floor(cell / 400), cell % 400];
      const sides = [0, 1, 2, 3].map((side) => batch.sides[(slot * 4 + side) * 400 + at]!);
      expect(sides[0]! + sides[2]!).toBeCloseTo(40);
      expect(sides[1]! + sides[3]!).toBeCloseTo(40);
      expect([0, 1, 2, 3].map((classId) => batch.classes[(slot * 4 + classId) * 400 + at])).toEqual([0, 1, 0, 0]);
    }
  });

  it('asks for nothing where a defect is mostly hidden', () => {
    const batch = newDetectorBatch(plan);
    fillDetectorBatch(batch, {
      random: createRandom(1),
      frames: [{ ...blank, boxes: [{ ...dent, visible: 0.3 }] }],
      plan,
    });
    expect(batch.positive.every((weight) => weight === 0)).toBe(true);
    expect(batch.judged.some((weight) => weight === 0)).toBe(true);
  });
});

describe('readStrips', () => {
  it('labels every character once, in order', () => {
    for (const { text, steps } of readStrips('golden', 20)) {
      const runs = [...steps].filter((value, i) => value !== 0 && value !== steps[i - 1]);
      expect(runs.length).toBeGreaterThanOrEqual(new Set(text).size);
      expect(steps.length).toBe(80);
    }
  });
});

describe('the generator', () => {
  it('still paints what the committed releases were trained on', () => {
    const frame = renderLabelled('train', 0);
    const digest = createHash('sha256').update(frame.rgb).update(frame.mask).digest('hex');
    expect(digest, 'raise SCENE_VERSION, pin the new fingerprint and run models:train --install').toBe(
      SCENE_FINGERPRINT,
    );
  });
});
