// The layers Belay's nets are made of, each with its backward rule written in plain inference operators
// (ONNX Runtime for Node has no training API). Shapes are NCHW and static.
import type { Tape, Value } from './tape.ts';

type ConvOptions = {
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly pad?: readonly [number, number];
  readonly hasBias?: boolean;
  readonly biasStart?: number;
  /** The first layer need not pass a gradient to the picture. */
  readonly isFirst?: boolean;
};

type Shape4 = readonly [number, number, number, number];

export function add(tape: Tape, a: Value, b: Value): Value {
  const y = tape.op('Add', [a, b], a.dims);
  tape.onBackward(() => {
    tape.accumulate(a, tape.gradientOf(y));
    tape.accumulate(b, tape.gradientOf(y));
  });
  return y;
}

export function relu(tape: Tape, x: Value): Value {
  const y = tape.op('Relu', [x], x.dims);
  tape.onBackward(() => {
    const open = tape.op('Sign', [y], y.dims);
    tape.accumulate(x, tape.op('Mul', [tape.gradientOf(y), open], x.dims));
  });
  return y;
}

/** Doubles height and width by repetition; backwards, four cells sum into one. */
export function upsample2(tape: Tape, x: Value): Value {
  const [n, c, h, w] = shape4(x);
  const y = tape.op('Resize', [x, '', tape.floats(1, 1, 2, 2)], [n, c, h * 2, w * 2], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  tape.onBackward(() => {
    const mean = tape.op('AveragePool', [tape.gradientOf(y)], x.dims, { kernel_shape: [2, 2], strides: [2, 2] });
    tape.accumulate(x, tape.op('Mul', [mean, tape.floats(4)], x.dims));
  });
  return y;
}

/** Moves groups of 4 channels into 2x2 cells: a head at half resolution answers at full resolution. */
export function depthToSpace2(tape: Tape, x: Value): Value {
  const [n, c, h, w] = shape4(x);
  const y = tape.op('DepthToSpace', [x], [n, c / 4, h * 2, w * 2], { blocksize: 2, mode: 'DCR' });
  tape.onBackward(() => {
    tape.accumulate(x, tape.op('SpaceToDepth', [tape.gradientOf(y)], x.dims, { blocksize: 2 }));
  });
  return y;
}

export function conv(tape: Tape, x: Value, name: string, options: ConvOptions & { channels: number }): Value {
  const geometry = convGeometry(x, options);
  const { channels, inputDims, outputDims, attributes } = geometry;
  const [kh, kw] = options.kernel;
  const fanIn = inputDims[1] * kh * kw;
  const weights = tape.parameter(`${name}.w`, [channels, inputDims[1], kh, kw], { spread: Math.sqrt(2 / fanIn) });
  const hasBias = options.hasBias ?? true;
  const bias = hasBias ? [tape.parameter(`${name}.b`, [channels], { value: options.biasStart ?? 0 })] : [];
  const y = tape.op('Conv', [x, weights, ...bias], outputDims, attributes);
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    if (!options.isFirst) tape.accumulate(x, inputGradient(tape, dy, weights, geometry));
    tape.accumulate(weights, weightGradient(tape, x, dy, geometry));
    for (const b of bias) {
      tape.accumulate(b, tape.op('ReduceSum', [dy, tape.indices(0, 2, 3)], [channels], { keepdims: 0 }));
    }
  });
  return y;
}

type ConvGeometry = {
  readonly channels: number;
  readonly inputDims: Shape4;
  readonly outputDims: Shape4;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly attributes: Readonly<Record<string, readonly number[]>>;
};

function convGeometry(x: Value, options: ConvOptions & { channels: number }): ConvGeometry {
  const inputDims = shape4(x);
  const { kernel, channels, stride = [1, 1] } = options;
  const pad = options.pad ?? [kernel[0] >> 1, kernel[1] >> 1];
  const out = (axis: 0 | 1) => Math.floor((inputDims[axis + 2]! + 2 * pad[axis] - kernel[axis]) / stride[axis]) + 1;
  const attributes = { kernel_shape: kernel, strides: stride, pads: [...pad, ...pad] };
  return { channels, inputDims, outputDims: [inputDims[0], channels, out(0), out(1)], kernel, stride, pad, attributes };
}

/** dX: the transposed convolution; output padding restores rows that the stride had skipped. */
function inputGradient(tape: Tape, dy: Value, weights: Value, geometry: ConvGeometry): Value {
  const { inputDims, outputDims, kernel, stride, pad, attributes } = geometry;
  const lost = (axis: 0 | 1) =>
    inputDims[axis + 2]! - ((outputDims[axis + 2]! - 1) * stride[axis] - 2 * pad[axis] + kernel[axis]);
  return tape.op('ConvTranspose', [dy, weights], inputDims, { ...attributes, output_padding: [lost(0), lost(1)] });
}

/** dW: the input convolved with the output gradient, batch and channels exchanged, dilated by the stride. */
function weightGradient(tape: Tape, x: Value, dy: Value, geometry: ConvGeometry): Value {
  const { channels, inputDims, outputDims, kernel, stride, pad } = geometry;
  const [n, c, h, w] = inputDims;
  const [, , ho, wo] = outputDims;
  const exchanged = { perm: [1, 0, 2, 3] };
  const xt = tape.op('Transpose', [x], [c, n, h, w], exchanged);
  const dyt = tape.op('Transpose', [dy], [channels, n, ho, wo], exchanged);
  const wide = [h + 2 * pad[0] - stride[0] * (ho - 1), w + 2 * pad[1] - stride[1] * (wo - 1)] as const;
  const attributes = { kernel_shape: [ho, wo], dilations: stride, pads: [...pad, ...pad] };
  let dw = tape.op('Conv', [xt, dyt], [c, channels, ...wide], attributes);
  if (wide[0] !== kernel[0] || wide[1] !== kernel[1]) {
    const bounds = [tape.indices(0, 0), tape.indices(...kernel), tape.indices(2, 3)];
    dw = tape.op('Slice', [dw, ...bounds], [c, channels, ...kernel]);
  }
  return tape.op('Transpose', [dw], [channels, c, ...kernel], exchanged);
}

export const NORM_EPSILON = 1e-5;

/** Batch normalisation; its batch mean and variance become statistics under `<name>.mean` and `<name>.var`. */
export function batchNorm(tape: Tape, x: Value, name: string): Value {
  const [n, c, h, w] = shape4(x);
  const perChannel = [1, c, 1, 1];
  const gain = tape.parameter(`${name}.gain`, perChannel, { value: 1 });
  const shift = tape.parameter(`${name}.shift`, perChannel, { value: 0 });
  const reduce = { axes: [0, 2, 3], keepdims: 1 };
  const mean = tape.op('ReduceMean', [x], perChannel, reduce);
  const centred = tape.op('Sub', [x, mean], x.dims);
  const variance = tape.op('ReduceMean', [tape.op('Mul', [centred, centred], x.dims)], perChannel, reduce);
  const padded = tape.op('Add', [variance, tape.floats(NORM_EPSILON)], perChannel);
  const inverse = tape.op('Reciprocal', [tape.op('Sqrt', [padded], perChannel)], perChannel);
  const unit = tape.op('Mul', [centred, inverse], x.dims);
  const y = tape.op('Add', [tape.op('Mul', [unit, gain], x.dims), shift], x.dims);
  tape.statistics.push({ value: mean, key: `${name}.mean` }, { value: variance, key: `${name}.var` });
  tape.onBackward(() => {
    const dy = tape.gradientOf(y);
    const sum = (v: Value) => tape.op('ReduceSum', [v, tape.indices(0, 2, 3)], perChannel, { keepdims: 1 });
    const scaled = (v: Value) => tape.op('Mul', [v, tape.floats(1 / (n * h * w))], perChannel);
    const dShift = sum(dy);
    const dGain = sum(tape.op('Mul', [dy, unit], x.dims));
    tape.accumulate(shift, dShift);
    tape.accumulate(gain, dGain);
    const withoutMean = tape.op('Sub', [dy, scaled(dShift)], x.dims);
    const inner = tape.op('Sub', [withoutMean, tape.op('Mul', [unit, scaled(dGain)], x.dims)], x.dims);
    tape.accumulate(x, tape.op('Mul', [inner, tape.op('Mul', [inverse, gain], perChannel)], x.dims));
  });
  return y;
}

/** Square convolution, batch normalisation while training, ReLU. The exported graph holds the same layer without the norm. */
export function block(
  tape: Tape,
  x: Value,
  name: string,
  options: { channels: number; kernel?: number; stride?: readonly [number, number]; isFirst?: boolean },
): Value {
  const { channels, kernel = 3, stride = [1, 1], isFirst = false } = options;
  const common = { channels, kernel: [kernel, kernel] as const, stride, isFirst };
  if (!tape.isNormalised) return relu(tape, conv(tape, x, name, common));
  return relu(tape, batchNorm(tape, conv(tape, x, name, { ...common, hasBias: false }), name));
}

function shape4(value: Value): Shape4 {
  const [n, c, h, w] = value.dims;
  if (n === undefined || c === undefined || h === undefined || w === undefined) {
    throw new Error(`${value.name} has ${value.dims.length} dimensions, not 4`);
  }
  return [n, c, h, w];
}
