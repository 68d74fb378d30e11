// Reads ONNX bytes back into an editable Model. It accepts what the writer writes and refuses anything else by name,
// because a part silently dropped here would change what the patched model computes.
import { type OnnxDataType, onnxDataType, tensorBytes } from '../../../shared/release/onnx-data-types.ts';
import {
  OnnxFileError,
  readFields,
  readIntegers,
  readSafeInteger,
  readText,
  type WireField,
} from '../../../shared/release/onnx-wire.ts';
import type { Attribute, ElementType, Graph, Model, Node, Port, Tensor, TensorData } from './model.ts';

/** Throws OnnxFileError for malformed bytes and for parts this editor does not know. */
export function readModel(bytes: Uint8Array): Model {
  const fields = [...readFields(bytes)];
  const graph = only(fields, 7)[0];
  if (graph === undefined) throw new OnnxFileError('onnx-not-a-model', 'reading a model to edit: it holds no graph');
  const opset = only(fields, 8).find((field) => textOf([...readFields(field.bytes)], 1) === '');
  return {
    ...readGraph(graph.bytes),
    opset: opset === undefined ? 0 : integerOf([...readFields(opset.bytes)], 2),
    irVersion: integerOf(fields, 1),
    producer: textOf(fields, 2),
    metadata: Object.fromEntries(
      only(fields, 14).map((field) => {
        const entry = [...readFields(field.bytes)];
        return [textOf(entry, 1), textOf(entry, 2)];
      }),
    ),
  };
}

function readGraph(bytes: Uint8Array): Graph {
  const fields = [...readFields(bytes)];
  return {
    nodes: only(fields, 1).map((field) => readNode(field.bytes)),
    initializers: only(fields, 5).map((field) => readTensor(field.bytes)),
    inputs: only(fields, 11).map((field) => readPort(field.bytes)),
    outputs: only(fields, 12).map((field) => readPort(field.bytes)),
  };
}

function readNode(bytes: Uint8Array): Node {
  const fields = [...readFields(bytes)];
  const attributes = only(fields, 5).map((field) => readAttribute(field.bytes));
  const domain = textOf(fields, 7);
  return {
    op: textOf(fields, 4),
    inputs: only(fields, 1).map(readText),
    outputs: only(fields, 2).map(readText),
    name: textOf(fields, 3),
    ...(attributes.length > 0 ? { attributes: Object.fromEntries(attributes) } : {}),
    ...(domain === '' ? {} : { domain }),
  };
}

function readAttribute(bytes: Uint8Array): [string, Attribute] {
  const fields = [...readFields(bytes)];
  const type = integerOf(fields, 20);
  const read = ATTRIBUTE_READERS[type];
  if (read === undefined) throw unknownPart(`an attribute of type ${type}`);
  return [textOf(fields, 1), read(fields)];
}

/** By AttributeProto.AttributeType number. */
const ATTRIBUTE_READERS: Readonly<Record<number, (fields: readonly WireField[]) => Attribute>> = {
  1: (fields) => ({ float: floatOf(fields, 2) }),
  2: (fields) => integerOf(fields, 3),
  3: (fields) => textOf(fields, 4),
  4: (fields) => ({ tensor: readTensor(one(fields, 5)) }),
  5: (fields) => ({ graph: readGraph(one(fields, 6)) }),
  7: (fields) =>
    fields
      .filter((field) => field.number === 8)
      .flatMap(readIntegers)
      .map(readSafeInteger),
};

function readTensor(bytes: Uint8Array): Tensor {
  const fields = [...readFields(bytes)];
  const dtype = elementType(onnxDataType(integerOf(fields, 2)));
  const dims = fields
    .filter((field) => field.number === 1)
    .flatMap(readIntegers)
    .map(readSafeInteger);
  const stored = one(fields, 9);
  if (stored.length !== tensorBytes(dtype, dims)) throw unknownPart(`a tensor of ${stored.length} bytes for [${dims}]`);
  /** Copied: the file's bytes stay untouched, and the copy is aligned for its element type. */
  const raw = new Uint8Array(stored).buffer;
  return { name: textOf(fields, 8), dtype, dims, data: VIEWS[dtype](raw) };
}

const VIEWS: Readonly<Record<ElementType, (raw: ArrayBuffer) => TensorData>> = {
  float32: (raw) => new Float32Array(raw),
  float64: (raw) => new Float64Array(raw),
  int64: (raw) => new BigInt64Array(raw),
  int32: (raw) => new Int32Array(raw),
  int8: (raw) => new Int8Array(raw),
  uint8: (raw) => new Uint8Array(raw),
  bool: (raw) => new Uint8Array(raw),
};

function readPort(bytes: Uint8Array): Port {
  const fields = [...readFields(bytes)];
  const tensorType = [...readFields(one([...readFields(one(fields, 2))], 1))];
  const shape = only(tensorType, 2)[0];
  return {
    name: textOf(fields, 1),
    dtype: elementType(onnxDataType(integerOf(tensorType, 1))),
    dims: shape === undefined ? null : only([...readFields(shape.bytes)], 1).map((field) => readDimension(field.bytes)),
  };
}

function readDimension(bytes: Uint8Array): number | string {
  const said = [...readFields(bytes)][0];
  if (said === undefined) return '?';
  return said.kind === 'varint' ? readSafeInteger(said.value) : readText(said);
}

function elementType(dtype: OnnxDataType): ElementType {
  if (dtype in VIEWS) return dtype as ElementType;
  throw unknownPart(`a tensor of type ${dtype}`);
}

function only(fields: readonly WireField[], number: number): readonly WireField[] {
  return fields.filter((field) => field.number === number && field.kind === 'bytes');
}

function one(fields: readonly WireField[], number: number): Uint8Array {
  const field = only(fields, number).at(-1);
  if (field === undefined) throw unknownPart(`a message without field ${number}`);
  return field.bytes;
}

function textOf(fields: readonly WireField[], number: number): string {
  const field = only(fields, number).at(-1);
  return field === undefined ? '' : readText(field);
}

function integerOf(fields: readonly WireField[], number: number): number {
  const field = fields.findLast((candidate) => candidate.number === number && candidate.kind === 'varint');
  return field === undefined ? 0 : readSafeInteger(field.value);
}

function floatOf(fields: readonly WireField[], number: number): number {
  const field = fields.findLast((candidate) => candidate.number === number && candidate.kind === 'fixed32');
  if (field === undefined) return 0;
  return new DataView(field.bytes.buffer, field.bytes.byteOffset, 4).getFloat32(0, true);
}

function unknownPart(what: string): OnnxFileError {
  return new OnnxFileError(
    'onnx-malformed',
    `reading a model to edit: ${what}; only models made by this factory can be`,
  );
}
