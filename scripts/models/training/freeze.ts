// From training state to a shippable model: averaged weights, batch norms folded into the convolutions before them,
// and a camera-ready input (uint8 pixels, NHWC) whose normalisation is part of the graph.

import { createRandom } from '../../../agent/frames/line/random.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { NORM_EPSILON } from './layers.ts';
import { Tape, type Value } from './tape.ts';
import { known, type TrainingState } from './trainer.ts';

/** Pixels enter the nets as (x / 255 - 0.4) * 4: roughly centred, roughly unit spread on the line's pictures. */
export const PIXEL_SCALE = 4 / 255;
export const PIXEL_SHIFT = -1.6;

export const INPUT_NAME = 'image_u8';

export type FreezePlan = {
  /** Height, width and channels of the picture. */
  readonly picture: readonly [number, number, number];
  /** Builds the net on normalised NCHW pixels and answers the output the decoder reads. */
  readonly build: (tape: Tape, pixels: Value) => Value;
  readonly outputName: string;
  readonly metadata: Readonly<Record<string, string>>;
};

export function freezeModel(state: TrainingState, plan: FreezePlan): Model {
  const [height, width, channels] = plan.picture;
  const tape = new Tape({ random: createRandom(0), isNormalised: false });
  const picture = tape.input(INPUT_NAME, [1, height, width, channels], 'uint8');
  const output = plan.build(tape, pixelsOf(tape, picture));
  const named = tape.op('Identity', [output], output.dims);
  const frozen = [...tape.parameters.values()].map((parameter): Tensor => {
    const data = foldedWeights(state, parameter.name);
    return { name: parameter.name, dtype: 'float32', dims: parameter.dims, data };
  });
  const model = tape.inferenceGraph([named], frozen);
  return { ...renameTensor(model, named.name, plan.outputName), metadata: plan.metadata };
}

/** uint8 NHWC to normalised float NCHW: four cheap operators that spare every device its own preprocessing code. */
function pixelsOf(tape: Tape, picture: Value): Value {
  const [n = 1, h = 0, w = 0, c = 0] = picture.dims;
  const floats = tape.op('Cast', [picture], picture.dims, { to: 1 });
  const planes = tape.op('Transpose', [floats], [n, c, h, w], { perm: [0, 3, 1, 2] });
  const scaled = tape.op('Mul', [planes, tape.floats(PIXEL_SCALE)], planes.dims);
  return tape.op('Add', [scaled, tape.floats(PIXEL_SHIFT)], planes.dims);
}

/** Weights of `<layer>.w` or `<layer>.b`, with the layer's batch norm folded in when it has one. */
function foldedWeights(state: TrainingState, name: string): Float32Array {
  const layer = name.replace(/\.[wb]$/, '');
  const gain = state.averaged.get(`${layer}.gain`);
  if (gain === undefined) return known(state.averaged, name);
  const variance = known(state.statistics, `${layer}.var`);
  const factor = gain.map((g, channel) => g / Math.sqrt(variance[channel]! + NORM_EPSILON));
  if (name.endsWith('.w')) {
    const weights = known(state.averaged, name);
    const perChannel = weights.length / gain.length;
    return weights.map((w, i) => w * factor[Math.floor(i / perChannel)]!);
  }
  const mean = known(state.statistics, `${layer}.mean`);
  return known(state.averaged, `${layer}.shift`).map((shift, channel) => shift - factor[channel]! * mean[channel]!);
}

function renameTensor(model: Model, from: string, to: string): Model {
  const rename = (name: string) => (name === from ? to : name);
  return {
    ...model,
    nodes: model.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    outputs: model.outputs.map((port) => ({ ...port, name: rename(port.name) })),
  };
}
