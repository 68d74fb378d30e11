// Writes a Model as ONNX bytes. Equal models give equal bytes: fields in fixed order, metadata sorted by key.
import { onnxDataTypeCode } from '../../../shared/release/onnx-data-types.ts';
import type { Attribute, Graph, Model, Node, Port, Tensor } from './model.ts';

/** Collects the fields of one protobuf message. */
type Message = { readonly parts: Uint8Array[] };

const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const;
const text = new TextEncoder();

/** ONNX file bytes of a model. */
export function writeModel(model: Model): Uint8Array {
  const message = newMessage();
  integer(message, 1, model.irVersion);
  string(message, 2, model.producer);
  child(message, 7, graphMessage(model));
  for (const [domain, version] of importedOpsets(model)) child(message, 8, opsetMessage(domain, version));
  for (const key of Object.keys(model.metadata).sort()) {
    const entry = newMessage();
    string(entry, 1, key);
    string(entry, 2, model.metadata[key] ?? '');
    child(message, 14, entry);
  }
  return joined(message.parts);
}

function importedOpsets(model: Model): readonly (readonly [string, number])[] {
  const custom = new Set(model.nodes.flatMap((node) => (node.domain ? [node.domain] : [])));
  return [['', model.opset], ...[...custom].sort().map((domain) => [domain, 1] as const)];
}

function opsetMessage(domain: string, version: number): Message {
  const message = newMessage();
  string(message, 1, domain);
  integer(message, 2, version);
  return message;
}

function graphMessage(graph: Graph): Message {
  const message = newMessage();
  for (const node of graph.nodes) child(message, 1, nodeMessage(node));
  string(message, 2, 'graph');
  for (const tensor of graph.initializers) child(message, 5, tensorMessage(tensor));
  for (const port of graph.inputs) child(message, 11, portMessage(port));
  for (const port of graph.outputs) child(message, 12, portMessage(port));
  return message;
}

function nodeMessage(node: Node): Message {
  const message = newMessage();
  for (const name of node.inputs) string(message, 1, name);
  for (const name of node.outputs) string(message, 2, name);
  string(message, 3, node.name ?? node.outputs[0] ?? '');
  string(message, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {})) child(message, 5, attributeMessage(name, value));
  if (node.domain) string(message, 7, node.domain);
  return message;
}

function attributeMessage(name: string, value: Attribute): Message {
  const message = newMessage();
  string(message, 1, name);
  integer(message, 20, writeAttributeValue(message, value));
  return message;
}

/** Writes the value's field and answers its AttributeProto.AttributeType number. */
function writeAttributeValue(message: Message, value: Attribute): number {
  if (typeof value === 'number') {
    integer(message, 3, value);
    return 2;
  }
  if (typeof value === 'string') {
    string(message, 4, value);
    return 3;
  }
  if ('float' in value) {
    float(message, 2, value.float);
    return 1;
  }
  if ('graph' in value) {
    child(message, 6, graphMessage(value.graph));
    return 5;
  }
  if ('tensor' in value) {
    child(message, 5, tensorMessage(value.tensor));
    return 4;
  }
  for (const item of value) integer(message, 8, item);
  return 7;
}

function tensorMessage(tensor: Tensor): Message {
  const message = newMessage();
  for (const dim of tensor.dims) integer(message, 1, dim);
  integer(message, 2, onnxDataTypeCode(tensor.dtype));
  if (tensor.name) string(message, 8, tensor.name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  bytes(message, 9, new Uint8Array(buffer, byteOffset, byteLength));
  return message;
}

function portMessage(port: Port): Message {
  const tensorType = newMessage();
  integer(tensorType, 1, onnxDataTypeCode(port.dtype));
  if (port.dims !== null) child(tensorType, 2, shapeMessage(port.dims));
  const type = newMessage();
  child(type, 1, tensorType);
  const message = newMessage();
  string(message, 1, port.name);
  child(message, 2, type);
  return message;
}

function shapeMessage(dims: readonly (number | string)[]): Message {
  const shape = newMessage();
  for (const dim of dims) {
    const message = newMessage();
    if (typeof dim === 'number') integer(message, 1, dim);
    else string(message, 2, dim);
    child(shape, 1, message);
  }
  return shape;
}

function newMessage(): Message {
  return { parts: [] };
}

function integer(message: Message, field: number, value: number): void {
  message.parts.push(varint((field << 3) | WIRE.varint), varint(value));
}

function string(message: Message, field: number, value: string): void {
  bytes(message, field, text.encode(value));
}

function child(message: Message, field: number, inner: Message): void {
  bytes(message, field, joined(inner.parts));
}

function bytes(message: Message, field: number, value: Uint8Array): void {
  message.parts.push(varint((field << 3) | WIRE.bytes), varint(value.length), value);
}

function float(message: Message, field: number, value: number): void {
  const four = new Uint8Array(4);
  new DataView(four.buffer).setFloat32(0, value, true);
  message.parts.push(varint((field << 3) | WIRE.fixed32), four);
}

/** Base-128 number; negative numbers take ten bytes, as protobuf's int64 does. */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Uint8Array.from(out);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
