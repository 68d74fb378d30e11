// Numeric check of every backward rule: the slope of the loss when one weight moves, against the gradient of the graph.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../agent/frames/line/random.ts';
import { detectorLoss, detectorTruth } from '../../../scripts/models/nets/detector-loss.ts';
import { segmenterLoss, segmenterTruth } from '../../../scripts/models/nets/segmenter-loss.ts';
import { writeModel } from '../../../scripts/models/onnx/writer.ts';
import { add, block, conv, depthToSpace2, upsample2 } from '../../../scripts/models/training/layers.ts';
import { Tape, type Value } from '../../../scripts/models/training/tape.ts';

const random = createRandom(7);
const noise = (dims: readonly number[], spread = 1) =>
  Float32Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, () => random.gauss() * spread);

/** Worst relative error over all parameters; two weights of each are moved. */
async function worstError(tape: Tape, loss: Value, feeds: Record<string, ort.Tensor>): Promise<number> {
  const session = await ort.InferenceSession.create(writeModel(tape.trainingGraph([loss])), { intraOpNumThreads: 1 });
  const parameters = [...tape.parameters.values()];
  const run = async () => {
    const inputs = { ...feeds };
    for (const { name, data, dims } of parameters) inputs[name] = new ort.Tensor('float32', data.slice(), dims);
    return session.run(inputs);
  };
  const lossOf = async () => Number((await run())[loss.name]?.data[0]);
  const analytic = await run();
  let worst = 0;
  for (const parameter of parameters) {
    const gradient = analytic[tape.gradientOf(parameter).name]?.data as Float32Array;
    let difference = 0;
    let size = 1e-4;
    for (let draw = 0; draw < 2; draw++) {
      const i = random.integer(0, parameter.data.length - 1);
      const before = parameter.data[i]!;
      const step = 2e-3;
      parameter.data[i] = before + step;
      const above = await lossOf();
      parameter.data[i] = before - step;
      const below = await lossOf();
      parameter.data[i] = before;
      const slope = (above - below) / (2 * step);
      difference += (slope - gradient[i]!) ** 2;
      size += slope ** 2 + gradient[i]! ** 2;
    }
    worst = Math.max(worst, Math.sqrt(difference / size));
  }
  await session.release();
  return worst;
}

function squaredDistance(tape: Tape, y: Value): { loss: Value; wanted: ort.Tensor } {
  const wanted = tape.input('wanted', y.dims);
  const gap = tape.op('Sub', [y, wanted], y.dims);
  const loss = tape.op('ReduceSum', [tape.op('Mul', [gap, gap], y.dims)], [], { keepdims: 0 });
  tape.backward([[y, tape.op('Mul', [gap, tape.floats(2)], y.dims)]]);
  return { loss, wanted: new ort.Tensor('float32', noise(y.dims), y.dims) };
}

describe('layers', () => {
  it('pass the true gradient: strides, rectangles, norms, sums, resizing, depth to space', async () => {
    const tape = new Tape({ random: createRandom(3), isNormalised: true });
    const x = tape.input('x', [2, 3, 16, 16]);
    const first = block(tape, x, 'a', { channels: 4, stride: [2, 2], isFirst: true });
    const coarse = block(tape, first, 'b', { channels: 6, stride: [2, 2] });
    const back = add(tape, upsample2(tape, block(tape, coarse, 'c', { channels: 4, kernel: 1 })), first);
    const flat = block(tape, back, 'd', { channels: 8, stride: [2, 1] });
    const y = conv(tape, depthToSpace2(tape, flat), 'e', { channels: 2, kernel: [2, 3], pad: [0, 1] });
    const { loss, wanted } = squaredDistance(tape, y);
    const picture = new ort.Tensor('float32', noise(x.dims), x.dims);
    expect(await worstError(tape, loss, { x: picture, wanted })).toBeLessThan(0.05);
  });
});

describe('detectorLoss', () => {
  it('has the box gradient of -ln IoU', async () => {
    const tape = new Tape({ random: createRandom(5), isNormalised: true });
    const x = tape.input('x', [2, 3, 6, 6]);
    const trunk = block(tape, x, 'trunk', { channels: 6, isFirst: true });
    const kernel = [1, 1] as const;
    const heads = {
      classes: conv(tape, trunk, 'classes', { channels: 2, kernel }),
      sides: conv(tape, trunk, 'sides', { channels: 4, kernel }),
    };
    const truth = detectorTruth(tape, heads);
    const loss = detectorLoss(tape, heads, truth);
    /** Far longer or far shorter than any answer, so that no weight step crosses the kink where a side is just right. */
    const sides = Float32Array.from(noise(truth.sides.dims), (_, i) => (i % 2 === 0 ? 60 : 0.6));
    const one = (value: Value, fill: number) =>
      new ort.Tensor('float32', new Float32Array(noise(value.dims).length).fill(fill), value.dims);
    const feeds = {
      x: new ort.Tensor('float32', noise(x.dims), x.dims),
      'truth-classes': one(truth.classes, 0),
      'truth-sides': new ort.Tensor('float32', sides, truth.sides.dims),
      'truth-positive': one(truth.positive, 1),
      /** No cell is judged by class, so the watched box loss is the whole loss. */
      'truth-judged': one(truth.judged, 0),
    };
    expect(await worstError(tape, loss, feeds)).toBeLessThan(0.1);
  });
});

describe('segmenterLoss', () => {
  it('has the gradient of the dice it reports, with the sign turned', async () => {
    const tape = new Tape({ random: createRandom(6), isNormalised: true });
    const x = tape.input('x', [1, 3, 16, 16]);
    const logits = conv(tape, block(tape, x, 'a', { channels: 6, isFirst: true }), 'b', {
      channels: 5,
      kernel: [1, 1],
    });
    const truth = segmenterTruth(tape, logits);
    const dice = segmenterLoss(tape, logits, truth);
    const classes = new Float32Array(noise(truth.classes.dims).length);
    for (let pixel = 0; pixel < 256; pixel++) classes[random.integer(0, 4) * 256 + pixel] = 1;
    const loss = tape.op('Neg', [dice], []);
    const feeds = {
      x: new ort.Tensor('float32', noise(x.dims), x.dims),
      'truth-classes': new ort.Tensor('float32', classes, truth.classes.dims),
      /** Weight zero switches the cross entropy off, which is not part of the reported number. */
      'truth-weights': new ort.Tensor('float32', new Float32Array(256), truth.weights.dims),
    };
    expect(await worstError(tape, loss, feeds)).toBeLessThan(0.05);
  });
});
