// Reads what an ONNX file says about itself without running it: contract, operators (also inside subgraphs and local
// functions), tensor sizes, external data, opset and metadata. Pure: bytes in, facts out. It judges nothing.
import { type OnnxDataType, onnxDataType, tensorBytes } from './onnx-data-types.ts';
import { OnnxFileError, readFields, readIntegers, readSafeInteger, readText, type WireField } from './onnx-wire.ts';

export { OnnxFileError } from './onnx-wire.ts';

/** A symbolic dimension is its name, an unknown one is null. */
export type OnnxDimension = number | string | null;

/** `dtype` and `shape` are null when the file does not give them (not a tensor, or no shape at all). */
export type OnnxValue = {
  readonly name: string;
  readonly dtype: OnnxDataType | null;
  readonly shape: readonly OnnxDimension[] | null;
};

/** `declaredBytes` follows from dtype and dims; `storedBytes` is what this file holds; `external` is a path outside it. */
export type OnnxTensor = {
  readonly name: string;
  readonly dtype: OnnxDataType;
  readonly dims: readonly number[];
  readonly declaredBytes: number;
  readonly storedBytes: number;
  readonly external: string | null;
};

/** `domain` is '' for the standard operators. `tensors` and `subgraphs` come from attributes (Constant, If, Loop, Scan). */
export type OnnxNode = {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly tensors: readonly OnnxTensor[];
  readonly subgraphs: readonly OnnxGraph[];
};

export type OnnxGraph = {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
};

export type OnnxFunction = { readonly domain: string; readonly name: string; readonly nodes: readonly OnnxNode[] };

/** `opset` is the version of the standard operator set, null when the file imports none. */
export type OnnxFile = {
  readonly irVersion: number;
  readonly producer: string;
  readonly opset: number | null;
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
  readonly functions: readonly OnnxFunction[];
  readonly trainingGraphs: readonly OnnxGraph[];
};

/** Graphs inside graphs: real models nest two or three deep, a hostile one would exhaust the stack. */
const GRAPH_DEPTH_MAX = 16;
/** Nodes, tensors and values together: far above real models, far below what exhausts memory. */
const ITEMS_MAX = 500_000;

/** Counts everything read, so that a small file cannot unfold into a large one. */
type Budget = { itemsLeft: number };

/** Reads a whole model file. Throws OnnxFileError for anything that is not a readable ONNX model. */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  const budget: Budget = { itemsLeft: ITEMS_MAX };
  const fields = [...limited(bytes, budget)];
  const graphField = fields.findLast((field) => field.number === 7 && field.kind === 'bytes');
  if (graphField === undefined) {
    throw new OnnxFileError('onnx-not-a-model', 'reading an ONNX file: it holds no graph; check that it is a model');
  }
  const opsets = Object.fromEntries(only(fields, 8).map((field) => readOpset(field.bytes, budget)));
  return {
    irVersion: readSafeInteger(fields.find((field) => field.number === 1)?.value ?? 0n),
    producer: textOf(fields, 2),
    opset: opsets[''] ?? null,
    opsets,
    metadata: Object.fromEntries(only(fields, 14).map((field) => readEntry(field.bytes, budget))),
    graph: readGraph(graphField.bytes, budget, 0),
    functions: only(fields, 25).map((field) => readFunction(field.bytes, budget)),
    trainingGraphs: only(fields, 20).flatMap((field) => readTraining(field.bytes, budget)),
  };
}

/** Every node that could run: the graph, its subgraphs at any depth, local functions, training graphs. */
export function listOnnxNodes(file: OnnxFile): readonly OnnxNode[] {
  const roots = [
    file.graph.nodes,
    ...file.functions.map((it) => it.nodes),
    ...file.trainingGraphs.map((it) => it.nodes),
  ];
  return roots.flatMap((nodes) => nodes.flatMap(withInnerNodes));
}

/** Every tensor the file holds or names, wherever it sits. */
export function listOnnxTensors(file: OnnxFile): readonly OnnxTensor[] {
  const graphs = [file.graph, ...file.trainingGraphs, ...listOnnxNodes(file).flatMap((node) => node.subgraphs)];
  const inNodes = listOnnxNodes(file).flatMap((node) => node.tensors);
  return [...graphs.flatMap((graph) => graph.initializers), ...inNodes];
}

function withInnerNodes(node: OnnxNode): readonly OnnxNode[] {
  return [node, ...node.subgraphs.flatMap((graph) => graph.nodes.flatMap(withInnerNodes))];
}

function readGraph(bytes: Uint8Array, budget: Budget, depth: number): OnnxGraph {
  if (depth > GRAPH_DEPTH_MAX) {
    throw new OnnxFileError('onnx-too-deep', `reading an ONNX file: graphs nest deeper than ${GRAPH_DEPTH_MAX} levels`);
  }
  const fields = [...limited(bytes, budget)];
  const sparse = only(fields, 15).flatMap((field) => [...limited(field.bytes, budget)]);
  const tensors = [...only(fields, 5), ...sparse.filter((field) => field.kind === 'bytes' && field.number <= 2)];
  return {
    name: textOf(fields, 2),
    nodes: only(fields, 1).map((field) => readNode(field.bytes, budget, depth)),
    initializers: tensors.map((field) => readTensor(field.bytes, budget)),
    inputs: only(fields, 11).map((field) => readValue(field.bytes, budget)),
    outputs: only(fields, 12).map((field) => readValue(field.bytes, budget)),
  };
}

function readNode(bytes: Uint8Array, budget: Budget, depth: number): OnnxNode {
  const fields = [...limited(bytes, budget)];
  const attributes = only(fields, 5).flatMap((field) => [...limited(field.bytes, budget)]);
  const tensors = [...only(attributes, 5), ...only(attributes, 10)];
  const graphs = [...only(attributes, 6), ...only(attributes, 11)];
  return {
    name: textOf(fields, 3),
    op: textOf(fields, 4),
    domain: standardDomain(textOf(fields, 7)),
    inputs: only(fields, 1).map(readText),
    outputs: only(fields, 2).map(readText),
    tensors: tensors.map((field) => readTensor(field.bytes, budget)),
    subgraphs: graphs.map((field) => readGraph(field.bytes, budget, depth + 1)),
  };
}

function readFunction(bytes: Uint8Array, budget: Budget): OnnxFunction {
  const fields = [...limited(bytes, budget)];
  const nodes = only(fields, 7).map((field) => readNode(field.bytes, budget, 0));
  return { domain: textOf(fields, 10), name: textOf(fields, 1), nodes };
}

function readTraining(bytes: Uint8Array, budget: Budget): readonly OnnxGraph[] {
  const graphs = [...limited(bytes, budget)].filter((field) => field.kind === 'bytes' && field.number <= 2);
  return graphs.map((field) => readGraph(field.bytes, budget, 1));
}

function readTensor(bytes: Uint8Array, budget: Budget): OnnxTensor {
  const fields = [...limited(bytes, budget)];
  const dims = fields
    .filter((field) => field.number === 1)
    .flatMap(readIntegers)
    .map(readSafeInteger);
  const dtype = onnxDataType(readSafeInteger(fields.findLast((field) => field.number === 2)?.value ?? 0n));
  const stored = fields.filter((field) => STORAGE_FIELDS.has(field.number));
  const external = only(fields, 13).map((field) => readEntry(field.bytes, budget));
  const isExternal = external.length > 0 || fields.some((field) => field.number === 14 && field.value === 1n);
  return {
    name: textOf(fields, 8),
    dtype,
    dims,
    declaredBytes: tensorBytes(dtype, dims),
    storedBytes: stored.reduce((sum, field) => sum + Math.max(field.bytes.length, 1), 0),
    external: isExternal ? (external.find(([key]) => key === 'location')?.[1] ?? '') : null,
  };
}

/** float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data. */
const STORAGE_FIELDS: ReadonlySet<number> = new Set([4, 5, 6, 7, 9, 10, 11]);

function readValue(bytes: Uint8Array, budget: Budget): OnnxValue {
  const fields = [...limited(bytes, budget)];
  const type = only(fields, 2).flatMap((field) => [...limited(field.bytes, budget)]);
  const tensorType = only(type, 1).at(-1);
  if (tensorType === undefined) return { name: textOf(fields, 1), dtype: null, shape: null };
  const parts = [...limited(tensorType.bytes, budget)];
  const code = parts.findLast((field) => field.number === 1 && field.kind === 'varint')?.value ?? 0n;
  const shape = only(parts, 2).at(-1);
  return {
    name: textOf(fields, 1),
    dtype: onnxDataType(readSafeInteger(code)),
    shape: shape === undefined ? null : readShape(shape.bytes, budget),
  };
}

function readShape(bytes: Uint8Array, budget: Budget): readonly OnnxDimension[] {
  const dims = only([...limited(bytes, budget)], 1);
  return dims.map((field) => {
    const said = [...limited(field.bytes, budget)].findLast((part) => part.number === 1 || part.number === 2);
    if (said === undefined) return null;
    return said.kind === 'varint' ? readSafeInteger(said.value) : readText(said);
  });
}

function readOpset(bytes: Uint8Array, budget: Budget): [string, number] {
  const fields = [...limited(bytes, budget)];
  const version = fields.findLast((field) => field.number === 2)?.value ?? 0n;
  return [standardDomain(textOf(fields, 1)), readSafeInteger(version)];
}

function readEntry(bytes: Uint8Array, budget: Budget): [string, string] {
  const fields = [...limited(bytes, budget)];
  return [textOf(fields, 1), textOf(fields, 2)];
}

/** 'ai.onnx' is the long spelling of the standard domain. */
function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function* limited(message: Uint8Array, budget: Budget): Generator<WireField> {
  for (const field of readFields(message)) {
    budget.itemsLeft -= 1;
    if (budget.itemsLeft < 0) {
      throw new OnnxFileError('onnx-too-large', `reading an ONNX file: it has more than ${ITEMS_MAX} parts`);
    }
    yield field;
  }
}

function only(fields: readonly WireField[], number: number): readonly WireField[] {
  return fields.filter((field) => field.number === number && field.kind === 'bytes');
}

function textOf(fields: readonly WireField[], number: number): string {
  const field = only(fields, number).at(-1);
  return field === undefined ? '' : readText(field);
}
