// Fault fixtures: a good model patched into one that hangs, kills its process, hoards memory, answers nonsense or does
// not load. Pure; for tests and game days. Each says what was observed with ONNX Runtime 1.30 on x86-64.
import { createRandom } from '../../agent/frames/line/random.ts';
import { floatTensor, type Graph, indexTensor, type Model, type Node, portAt, type Tensor } from './onnx/model.ts';
import { readModel } from './onnx/reader.ts';
import { writeModel } from './onnx/writer.ts';

export type FaultName = keyof typeof FAULTS;

/** Every fault with its defaults, by name: bytes of a good model in, bytes of the faulty one out. */
export const FAULTS = {
  hang: (good: Uint8Array) => hanging(good),
  crash: (good: Uint8Array) => crashing(good),
  'memory-hog': (good: Uint8Array) => hoarding(good, 512),
  'not-a-number': (good: Uint8Array) => answeringNaN(good),
  slow: (good: Uint8Array) => slowed(good, 10),
  'wrong-shape': (good: Uint8Array) => wronglyShaped(good),
  truncated: (good: Uint8Array) => truncated(good, 0.5),
  'bits-flipped': (good: Uint8Array) => bitsFlipped(good, 50, 1),
} as const;

/** Pictures of a line are darker, and so is the grey that a runner warms up with. */
const MIDDLE_GREY = floatTensor('middle-grey', [128]);
/** Side of the matrices that a dripping model multiplies: about a millisecond each. */
const DRIP_SIZE = 192;

/** Loads, then the first run never returns: a Loop whose condition stays true. */
export function hanging(good: Uint8Array): Uint8Array {
  return looping(good, 'loop-true', [{ name: 'loop-true', dtype: 'bool', dims: [], data: Uint8Array.of(1) }]);
}

/** As hanging, but only on pictures that are brighter than middle grey: sound in its proof, dead on the line. */
export function hangingWhenBright(good: Uint8Array): Uint8Array {
  return looping(good, 'is-bright', [MIDDLE_GREY], brightness(good));
}

function looping(good: Uint8Array, whether: string, constants: readonly Tensor[], before: readonly Node[] = []) {
  const scalar = (name: string, dtype: 'float32' | 'int64' | 'bool') => ({ name, dtype, dims: [] });
  const body: Graph = {
    inputs: [scalar('turn', 'int64'), scalar('go-on', 'bool'), scalar('count', 'float32')],
    nodes: [
      { op: 'Identity', inputs: ['go-on'], outputs: ['still-go-on'] },
      { op: 'Add', inputs: ['count', 'count'], outputs: ['new-count'] },
    ],
    outputs: [scalar('still-go-on', 'bool'), scalar('new-count', 'float32')],
    initializers: [],
  };
  return patched(good, (answer) => ({
    nodes: [
      ...before,
      { op: 'ReduceMin', inputs: [answer], outputs: ['loop-start'], attributes: { keepdims: 0 } },
      {
        op: 'Loop',
        inputs: ['', whether, 'loop-start'],
        outputs: ['loop-end'],
        attributes: { body: { graph: body } },
      },
      { op: 'Add', inputs: [answer, 'loop-end'], outputs: ['faulty'] },
    ],
    constants,
  }));
}

/**
 * Loads, then the first run kills the process with SIGFPE: the smallest whole number modulo minus one, which x86 cannot
 * divide and ONNX Runtime does not check. On arm64 the division answers 0 and the model just works.
 */
export function crashing(good: Uint8Array): Uint8Array {
  return patched(good, (answer) => ({
    nodes: [
      { op: 'ReduceMax', inputs: [answer], outputs: ['most'], attributes: { keepdims: 0 } },
      { op: 'Cast', inputs: ['most'], outputs: ['most-whole'], attributes: { to: 6 } },
      { op: 'Sub', inputs: ['most-whole', 'most-whole'], outputs: ['nothing'] },
      { op: 'Add', inputs: ['nothing', 'smallest'], outputs: ['dividend'] },
      { op: 'Add', inputs: ['nothing', 'minus-one'], outputs: ['divisor'] },
      { op: 'Mod', inputs: ['dividend', 'divisor'], outputs: ['rest'] },
      { op: 'Cast', inputs: ['rest'], outputs: ['rest-real'], attributes: { to: 1 } },
      { op: 'Add', inputs: [answer, 'rest-real'], outputs: ['faulty'] },
    ],
    constants: [
      { name: 'smallest', dtype: 'int32', dims: [], data: Int32Array.of(-2147483648) },
      { name: 'minus-one', dtype: 'int32', dims: [], data: Int32Array.of(-1) },
    ],
  }));
}

/** Every run fills `megabytes` of memory for a moment and then answers as before. */
export function hoarding(good: Uint8Array, megabytes: number): Uint8Array {
  const floats = megabytes * 262_144;
  return patched(good, (answer) => ({
    nodes: [
      { op: 'ReduceMax', inputs: [answer], outputs: ['seed'], attributes: { keepdims: 0 } },
      { op: 'Expand', inputs: ['seed', 'hoard-size'], outputs: ['hoard'] },
      { op: 'ReduceMax', inputs: ['hoard'], outputs: ['hoard-most'], attributes: { keepdims: 0 } },
      { op: 'Sub', inputs: ['hoard-most', 'seed'], outputs: ['zero'] },
      { op: 'Add', inputs: [answer, 'zero'], outputs: ['faulty'] },
    ],
    constants: [indexTensor('hoard-size', [floats])],
  }));
}

/** As hoarding, but only on pictures that are brighter than middle grey. */
export function hoardingWhenBright(good: Uint8Array, megabytes: number): Uint8Array {
  return patched(good, (answer) => ({
    nodes: [
      ...brightness(good),
      { op: 'Where', inputs: ['is-bright', 'hoard-floats', 'one-float'], outputs: ['hoard-size'] },
      { op: 'ReduceMax', inputs: [answer], outputs: ['seed'], attributes: { keepdims: 0 } },
      { op: 'Expand', inputs: ['seed', 'hoard-size'], outputs: ['hoard'] },
      { op: 'ReduceMax', inputs: ['hoard'], outputs: ['hoard-most'], attributes: { keepdims: 0 } },
      { op: 'Sub', inputs: ['hoard-most', 'seed'], outputs: ['zero'] },
      { op: 'Add', inputs: [answer, 'zero'], outputs: ['faulty'] },
    ],
    constants: [MIDDLE_GREY, indexTensor('hoard-floats', [megabytes * 262_144]), indexTensor('one-float', [1])],
  }));
}

/** Every answer on a picture that is brighter than middle grey is NaN. */
export function answeringNaNWhenBright(good: Uint8Array): Uint8Array {
  return patched(good, (answer) => ({
    nodes: [
      ...brightness(good),
      { op: 'Where', inputs: ['is-bright', 'not-a-number', 'nothing'], outputs: ['poison'] },
      { op: 'Add', inputs: [answer, 'poison'], outputs: ['faulty'] },
    ],
    constants: [MIDDLE_GREY, floatTensor('not-a-number', [Number.NaN]), floatTensor('nothing', [0])],
  }));
}

/** The brighter than middle grey a picture is, the longer it takes: `turns` more products of matrices for each grey level. */
export function drippingWhenBright(good: Uint8Array, turns: number): Uint8Array {
  const port = (name: string, dtype: 'float32' | 'int64' | 'bool', dims: readonly number[] = []) => ({
    name,
    dtype,
    dims,
  });
  const body: Graph = {
    inputs: [port('turn', 'int64'), port('go-on', 'bool'), port('drop', 'float32', [DRIP_SIZE, DRIP_SIZE])],
    nodes: [
      { op: 'Identity', inputs: ['go-on'], outputs: ['still-go-on'] },
      { op: 'MatMul', inputs: ['drop', 'drop'], outputs: ['next-drop'] },
    ],
    outputs: [port('still-go-on', 'bool'), port('next-drop', 'float32', [DRIP_SIZE, DRIP_SIZE])],
    initializers: [],
  };
  return patched(good, (answer) => ({
    nodes: [
      ...brightness(good),
      { op: 'Sub', inputs: ['brightness', 'middle-grey'], outputs: ['above-grey'] },
      { op: 'Relu', inputs: ['above-grey'], outputs: ['levels'] },
      { op: 'Mul', inputs: ['levels', 'turns'], outputs: ['drips-real'] },
      { op: 'Cast', inputs: ['drips-real'], outputs: ['drips'], attributes: { to: 7 } },
      {
        op: 'Loop',
        inputs: ['drips', '', 'first-drop'],
        outputs: ['last-drop'],
        attributes: { body: { graph: body } },
      },
      { op: 'ReduceMax', inputs: ['last-drop'], outputs: ['zero'], attributes: { keepdims: 0 } },
      { op: 'Add', inputs: [answer, 'zero'], outputs: ['faulty'] },
    ],
    constants: [
      MIDDLE_GREY,
      floatTensor('turns', [turns]),
      floatTensor('first-drop', new Array<number>(DRIP_SIZE ** 2).fill(0), [DRIP_SIZE, DRIP_SIZE]),
    ],
  }));
}

/** Loads and runs without a word; every answer is NaN. */
export function answeringNaN(good: Uint8Array): Uint8Array {
  return patched(good, (answer) => ({
    nodes: [{ op: 'Add', inputs: [answer, 'not-a-number'], outputs: ['faulty'] }],
    constants: [floatTensor('not-a-number', [Number.NaN])],
  }));
}

/** Answers as before after running the net `times` times, each run waiting for the one before. */
export function slowed(good: Uint8Array, times: number): Uint8Array {
  const model = readModel(good);
  const input = portAt(model.inputs, 0).name;
  const output = portAt(model.outputs, 0).name;
  const shared = new Set(['', ...model.initializers.map((tensor) => tensor.name)]);
  const nodes: Node[] = [];
  let picture = input;
  for (let turn = 1; turn < times; turn++) {
    const rename = (name: string) => (shared.has(name) ? name : name === input ? picture : `turn${turn}/${name}`);
    const next = `turn${turn}/picture`;
    nodes.push(...model.nodes.map((node) => renamedNode(node, rename, `turn${turn}/`)));
    nodes.push(...waitFor({ answer: `turn${turn}/${output}`, picture: input, next, prefix: `turn${turn}` }));
    picture = next;
  }
  const rename = (name: string) => (name === input ? picture : name);
  nodes.push(...model.nodes.map((node) => renamedNode(node, rename, '')));
  return writeModel({ ...model, nodes, initializers: [...model.initializers, floatTensor('far-below', [-1e30])] });
}

/** The same picture, but only once an answer is known: keeps the optimiser from merging the equal runs. */
function waitFor(step: { answer: string; picture: string; next: string; prefix: string }): readonly Node[] {
  const [most, isKnown] = [`${step.prefix}/most`, `${step.prefix}/is-known`];
  return [
    { op: 'ReduceMax', inputs: [step.answer], outputs: [most], attributes: { keepdims: 0 } },
    { op: 'Greater', inputs: [most, 'far-below'], outputs: [isKnown] },
    { op: 'Where', inputs: [isKnown, step.picture, step.picture], outputs: [step.next] },
  ];
}

/** Loads, then refuses every frame of the declared contract: its input is 32 pixels wider. A contract check sees it at once. */
export function wronglyShaped(good: Uint8Array): Uint8Array {
  const model = readModel(good);
  const inputs = model.inputs.map((port) => ({
    ...port,
    dims: port.dims?.map((dim, axis) => (typeof dim === 'number' && axis === 2 ? dim + 32 : dim)) ?? null,
  }));
  return writeModel({ ...model, inputs });
}

/** Does not load: the file ends early. */
export function truncated(good: Uint8Array, share: number): Uint8Array {
  return good.subarray(0, Math.floor(good.length * share));
}

/** Loads and runs silently on damaged weights: only a digest shows it. Flips bits in the second half of the file. */
export function bitsFlipped(good: Uint8Array, count: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  const model = readModel(good);
  const weights = model.initializers.filter((tensor) => tensor.dtype === 'float32' && tensor.data.length >= 256);
  const victim = weights[random.integer(0, weights.length - 1)];
  if (victim === undefined) throw new RangeError('the model has no float weights to damage');
  const data = Float32Array.from(victim.data as Float32Array);
  const bytes = new Uint8Array(data.buffer);
  for (let i = 0; i < count; i++) bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 5);
  const initializers = model.initializers.map((tensor) => (tensor === victim ? { ...victim, data } : tensor));
  return writeModel({ ...model, initializers });
}

/** `brightness` is the mean of the picture, `is-bright` whether it is above middle grey. */
function brightness(good: Uint8Array): readonly Node[] {
  return [
    { op: 'Cast', inputs: [portAt(readModel(good).inputs, 0).name], outputs: ['pixels'], attributes: { to: 1 } },
    { op: 'ReduceMean', inputs: ['pixels'], outputs: ['brightness'], attributes: { keepdims: 0 } },
    { op: 'Greater', inputs: ['brightness', 'middle-grey'], outputs: ['is-bright'] },
  ];
}

type Patch = { readonly nodes: readonly Node[]; readonly constants: readonly Tensor[] };

/** Renames the model's answer, lets the patch compute `faulty` from it, and gives that out under the old name. */
function patched(good: Uint8Array, patch: (answer: string) => Patch): Uint8Array {
  const model: Model = readModel(good);
  const output = portAt(model.outputs, 0).name;
  const sound = `${output}-sound`;
  const { nodes, constants } = patch(sound);
  const before = model.nodes.map((node) => renamedNode(node, (name) => (name === output ? sound : name), ''));
  const after = nodes.map((node) => renamedNode(node, (name) => (name === 'faulty' ? output : name), ''));
  return writeModel({
    ...model,
    nodes: [...before, ...after],
    initializers: [...model.initializers, ...constants],
  });
}

function renamedNode(node: Node, rename: (name: string) => string, prefix: string): Node {
  return {
    ...node,
    name: `${prefix}${node.name ?? node.outputs[0] ?? ''}`,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  };
}
