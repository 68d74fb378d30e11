// Releases made from a trained detector by rewriting its graph, without training: classes in another order, and answers
// averaged over flipped pictures. Pure: the same model gives the same bytes everywhere.
import { floatTensor, indexTensor, type Model, type Node, portAt, type Tensor } from './onnx/model.ts';

/** Rows of a YOLOv8 output before the class scores: cx, cy, w, h. */
const BOX_ROWS = 4;

/** Renames metadata entries without touching what the model computes. */
export function withMetadata(model: Model, metadata: Readonly<Record<string, string>>): Model {
  return { ...model, metadata: { ...model.metadata, ...metadata } };
}

/** Output class k becomes the former class `order[k]`. Says nothing in the metadata: the caller decides what is claimed. */
export function permuteClasses(model: Model, order: readonly number[]): Model {
  const output = portAt(model.outputs, 0).name;
  const before = `${output}-before`;
  const rows = [0, 1, 2, 3, ...order.map((classId) => classId + BOX_ROWS)];
  const gather: Node = {
    op: 'Gather',
    name: 'permute-classes',
    inputs: [before, 'class-order'],
    outputs: [output],
    attributes: { axis: 1 },
  };
  return {
    ...model,
    nodes: [...renamed(model.nodes, (name) => (name === output ? before : name)), gather],
    initializers: [...model.initializers, indexTensor('class-order', rows)],
  };
}

type Flip = { readonly prefix: string; readonly axis: 1 | 2; readonly boxRow: 0 | 1 };

/** NHWC: axis 2 is the width, whose centre is box row 0; axis 1 is the height, box row 1. */
const FLIPS: readonly Flip[] = [
  { prefix: 'across', axis: 2, boxRow: 0 },
  { prefix: 'down', axis: 1, boxRow: 1 },
];

/** Runs the net three times (as is, mirrored, upside down) and averages: test-time augmentation left on by mistake. */
export function averageOverFlips(model: Model): Model {
  const [, height = 0, width = 0] = staticDims(portAt(model.inputs, 0).dims);
  const [, rows = 0, cells = 0] = staticDims(portAt(model.outputs, 0).dims);
  const geometry = { frame: [height, width] as const, rows, columns: Math.sqrt(cells) };
  const plain = copyOfNet(model, 'plain');
  const input: Node = { op: 'Identity', inputs: [inputName(model)], outputs: [`plain/${inputName(model)}`] };
  const flips = FLIPS.map((flip) => flippedCopy(model, flip, geometry));
  const outputs = flips.map((flip) => flip.output);
  /** The unflipped answer counts twice. */
  const answers = [`plain/${outputName(model)}`, `plain/${outputName(model)}`, ...outputs];
  const mean: Node = { op: 'Mean', name: 'average-over-flips', inputs: answers, outputs: [outputName(model)] };
  return {
    ...model,
    nodes: [input, ...plain, ...flips.flatMap((flip) => flip.nodes), mean],
    initializers: [...model.initializers, ...flips.flatMap((flip) => flip.constants)],
  };
}

type Geometry = { readonly frame: readonly [number, number]; readonly rows: number; readonly columns: number };

function flippedCopy(model: Model, flip: Flip, geometry: Geometry) {
  const { prefix, axis, boxRow } = flip;
  const name = (part: string) => `${prefix}-${part}`;
  /** The centre moves from c to frame - c; everything else stays. */
  const sign = Array.from({ length: geometry.rows }, (_, row) => (row === boxRow ? -1 : 1));
  const shift = Array.from({ length: geometry.rows }, (_, row) => (row === boxRow ? geometry.frame[axis - 1]! : 0));
  const constants: Tensor[] = [
    indexTensor(name('start'), [-1]),
    indexTensor(name('end'), [-1e9]),
    indexTensor(name('axis'), [axis]),
    indexTensor(name('step'), [-1]),
    indexTensor(name('cells'), flippedCells(geometry.columns, axis)),
    floatTensor(name('sign'), sign, [1, geometry.rows, 1]),
    floatTensor(name('shift'), shift, [1, geometry.rows, 1]),
  ];
  const bounds = [name('start'), name('end'), name('axis'), name('step')];
  const nodes: Node[] = [
    { op: 'Slice', inputs: [inputName(model), ...bounds], outputs: [`${prefix}/${inputName(model)}`] },
    ...copyOfNet(model, prefix),
    {
      op: 'Gather',
      inputs: [`${prefix}/${outputName(model)}`, name('cells')],
      outputs: [name('placed')],
      attributes: { axis: 2 },
    },
    { op: 'Mul', inputs: [name('placed'), name('sign')], outputs: [name('signed')] },
    { op: 'Add', inputs: [name('signed'), name('shift')], outputs: [name('answer')] },
  ];
  return { nodes, constants, output: name('answer') };
}

/** Which cell of the flipped picture answers for each cell of the picture. */
function flippedCells(columns: number, axis: 1 | 2): readonly number[] {
  return Array.from({ length: columns * columns }, (_, cell) => {
    const row = Math.floor(cell / columns);
    const column = cell % columns;
    if (axis === 2) return row * columns + (columns - 1 - column);
    return (columns - 1 - row) * columns + column;
  });
}

/** The net once more under another name; weights are shared, so the file hardly grows. */
function copyOfNet(model: Model, prefix: string): readonly Node[] {
  const shared = new Set(model.initializers.map((tensor) => tensor.name));
  const nodes = renamed(model.nodes, (name) => (name === '' || shared.has(name) ? name : `${prefix}/${name}`));
  return nodes.map((node) => ({ ...node, name: `${prefix}/${node.name ?? node.outputs[0]}` }));
}

function renamed(nodes: readonly Node[], rename: (name: string) => string): readonly Node[] {
  return nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
}

function inputName(model: Model): string {
  return portAt(model.inputs, 0).name;
}

function outputName(model: Model): string {
  return portAt(model.outputs, 0).name;
}

function staticDims(dims: readonly (number | string)[] | null): readonly number[] {
  const numbers = dims?.filter((dim) => typeof dim === 'number') ?? [];
  if (dims === null || numbers.length !== dims.length) throw new RangeError('the model must have static shapes');
  return numbers;
}
