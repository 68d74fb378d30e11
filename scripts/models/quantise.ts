// Static INT8 quantisation (QDQ): uint8 activations per tensor from calibrated ranges, int8 weights per output channel,
// int32 biases. A pure rewrite of the graph once the ranges are known; measuring them is in calibrate.ts.
import { floatTensor, type Model, type Node, type Tensor } from './onnx/model.ts';

/** Smallest and largest value that a tensor took over the calibration frames. */
export type Range = { readonly low: number; readonly high: number };

/**
 * 7-bit weights: without VNNI two 8-bit products overflow the 16-bit sum of x86, and full range costs 5 points of mAP
 * where this costs none.
 */
const WEIGHT_MAX = 63;
const PASS_THROUGH = new Set(['Resize', 'Add', 'MaxPool']);

type Weights = { readonly name: string; readonly tensor: Tensor };

/** Tensors whose ranges `quantise` needs, in graph order. */
export function calibrationTensors(model: Model): readonly string[] {
  const reluOf = new Map(
    model.nodes.filter((node) => node.op === 'Relu').map((node) => [node.inputs[0], node.outputs[0]]),
  );
  const wanted = new Set<string>();
  for (const conv of quantisableConvs(model)) {
    const [input = ''] = conv.inputs;
    const [output = ''] = conv.outputs;
    wanted.add(input);
    wanted.add(reluOf.get(output) ?? output);
  }
  for (const node of model.nodes) {
    if (PASS_THROUGH.has(node.op) && wanted.has(node.inputs[0] ?? '')) wanted.add(node.outputs[0] ?? '');
  }
  return [...wanted];
}

export function quantise(model: Model, ranges: ReadonlyMap<string, Range>): Model {
  const convs = new Set(quantisableConvs(model));
  const tensors = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const scales = new Map([...ranges].map(([name, range]) => [name, quantisation(range)]));
  const constants: Tensor[] = [...scales].flatMap(([name, { scale, zero }]) => [
    floatTensor(`${name}/scale`, [scale]),
    { name: `${name}/zero`, dtype: 'uint8', dims: [], data: Uint8Array.of(zero) } as const,
  ]);
  const read = (name: string) => (scales.has(name) ? `${name}/real` : name);
  const nodes: Node[] = [];
  for (const node of model.nodes) {
    const inputs = node.inputs.map(read);
    if (convs.has(node)) {
      const parts = quantiseConv(node, tensors, scales.get(node.inputs[0] ?? '')?.scale ?? 1);
      constants.push(...parts.constants);
      nodes.push(...parts.nodes, { ...node, inputs: [inputs[0] ?? '', ...parts.inputs] });
    } else nodes.push({ ...node, inputs });
    for (const output of node.outputs) if (scales.has(output)) nodes.push(...roundTrip(output));
  }
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const initializers = [...model.initializers, ...constants].filter((tensor) => used.has(tensor.name));
  return { ...model, nodes, initializers, metadata: { ...model.metadata, quantised: 'qdq-u8s8-static' } };
}

function quantisableConvs(model: Model): readonly Node[] {
  const constant = new Set(model.initializers.map((tensor) => tensor.name));
  return model.nodes.filter((node) => node.op === 'Conv' && constant.has(node.inputs[1] ?? ''));
}

function quantisation(range: Range): { scale: number; zero: number } {
  const low = Math.min(0, range.low);
  const scale = Math.max(1e-8, (Math.max(0, range.high) - low) / 255);
  return { scale: Math.fround(scale), zero: Math.max(0, Math.min(255, Math.round(-low / scale))) };
}

function roundTrip(name: string): readonly Node[] {
  const parameters = [`${name}/scale`, `${name}/zero`];
  return [
    { op: 'QuantizeLinear', inputs: [name, ...parameters], outputs: [`${name}/whole`] },
    { op: 'DequantizeLinear', inputs: [`${name}/whole`, ...parameters], outputs: [`${name}/real`] },
  ];
}

function quantiseConv(conv: Node, tensors: ReadonlyMap<string, Tensor>, inputScale: number) {
  const [, weightName = '', biasName] = conv.inputs;
  const weights = quantiseWeights({ name: weightName, tensor: floatsNamed(tensors, weightName) });
  if (biasName === undefined) return { nodes: [weights.node], constants: weights.constants, inputs: [weights.real] };
  const biasScales = weights.scales.map((scale) => Math.fround(scale * inputScale));
  const bias = quantiseBias({ name: biasName, tensor: floatsNamed(tensors, biasName) }, biasScales);
  return {
    nodes: [weights.node, bias.node],
    constants: [...weights.constants, ...bias.constants],
    inputs: [weights.real, bias.real],
  };
}

function quantiseWeights({ name, tensor }: Weights) {
  const data = tensor.data as Float32Array;
  const channels = tensor.dims[0] ?? 1;
  const perChannel = data.length / channels;
  const scales = Array.from({ length: channels }, (_, channel) => {
    const own = data.subarray(channel * perChannel, (channel + 1) * perChannel);
    return Math.fround(
      Math.max(
        1e-9,
        own.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      ) / WEIGHT_MAX,
    );
  });
  const whole = Int8Array.from(data, (value, i) => {
    const rounded = Math.round(value / scales[Math.floor(i / perChannel)]!);
    return Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, rounded));
  });
  const stored: Tensor = { name: `${name}/whole`, dtype: 'int8', dims: tensor.dims, data: whole };
  const zeros: Tensor = { name: `${name}/zero`, dtype: 'int8', dims: [channels], data: new Int8Array(channels) };
  return { ...dequantised(name, [stored, floatTensor(`${name}/scale`, scales, [channels]), zeros]), scales };
}

function quantiseBias({ name, tensor }: Weights, scales: readonly number[]) {
  const data = tensor.data as Float32Array;
  const whole = Int32Array.from(data, (value, channel) => Math.round(value / scales[channel]!));
  const dims = [scales.length];
  const stored: Tensor = { name: `${name}/whole`, dtype: 'int32', dims, data: whole };
  const zeros: Tensor = { name: `${name}/zero`, dtype: 'int32', dims, data: new Int32Array(scales.length) };
  return dequantised(name, [stored, floatTensor(`${name}/scale`, scales, dims), zeros]);
}

function dequantised(name: string, constants: readonly Tensor[]) {
  const real = `${name}/real`;
  const inputs = constants.map((tensor) => tensor.name);
  const node: Node = { op: 'DequantizeLinear', inputs, outputs: [real], attributes: { axis: 0 } };
  return { node, constants, real };
}

function floatsNamed(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError(`${name} is not a float tensor of the model`);
  return tensor;
}
