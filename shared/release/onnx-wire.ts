// The protobuf wire format, reading side: just enough for ONNX files, bounded, and deaf to what the fields mean.
// Every malformed byte ends in an OnnxFileError; nothing here can loop without consuming input.
import { BelayError } from '../basics/errors.ts';

export type OnnxFileErrorCode = 'onnx-malformed' | 'onnx-too-deep' | 'onnx-too-large' | 'onnx-not-a-model';

/** The bytes are not an ONNX file we can read. The message says where reading stopped. */
export class OnnxFileError extends BelayError {
  constructor(code: OnnxFileErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.name = 'OnnxFileError';
  }
}

/** `varint` fields carry `value`; the others carry `bytes`, a view into the file (never a copy). */
export type WireField = {
  readonly number: number;
  readonly kind: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  readonly value: bigint;
  readonly bytes: Uint8Array;
};

const VARINT_BYTES_MAX = 10;
const NOTHING = new Uint8Array(0);
const FIXED_BYTES = { fixed64: 8, fixed32: 4 } as const;

/** Walks the fields of one message in order. Throws OnnxFileError at the first byte that makes no sense. */
export function* readFields(message: Uint8Array): Generator<WireField> {
  let at = 0;
  while (at < message.length) {
    const key = readVarint(message, at);
    const number = Number(key.value >> 3n);
    if (number < 1 || number > 0x1fffffff) throw malformed(`field number ${number} at byte ${at}`);
    const field = readBody({ message, at: key.next, number, wireType: Number(key.value & 7n) });
    at = field.next;
    yield field.field;
  }
}

function readBody(from: { message: Uint8Array; at: number; number: number; wireType: number }) {
  const { message, at, number, wireType } = from;
  if (wireType === 0) {
    const { value, next } = readVarint(message, at);
    return { field: { number, kind: 'varint' as const, value, bytes: NOTHING }, next };
  }
  if (wireType === 2) {
    const { value, next } = readVarint(message, at);
    const bytes = take(message, next, value);
    return { field: { number, kind: 'bytes' as const, value: 0n, bytes }, next: next + bytes.length };
  }
  if (wireType !== 1 && wireType !== 5) throw malformed(`wire type ${wireType} at byte ${at}`);
  const kind = wireType === 1 ? ('fixed64' as const) : ('fixed32' as const);
  const bytes = take(message, at, BigInt(FIXED_BYTES[kind]));
  return { field: { number, kind, value: 0n, bytes }, next: at + bytes.length };
}

function take(message: Uint8Array, at: number, length: bigint): Uint8Array {
  if (length > BigInt(message.length - at))
    throw malformed(`a field of ${length} bytes at byte ${at} runs past the end`);
  return message.subarray(at, at + Number(length));
}

/** One base-128 number and the offset after it. At most ten bytes, as protobuf allows. */
function readVarint(message: Uint8Array, start: number): { value: bigint; next: number } {
  let value = 0n;
  for (let index = 0; index < VARINT_BYTES_MAX; index++) {
    const byte = message[start + index];
    if (byte === undefined) throw malformed(`a number at byte ${start} runs past the end`);
    value |= BigInt(byte & 127) << BigInt(7 * index);
    if ((byte & 128) === 0) return { value: BigInt.asUintN(64, value), next: start + index + 1 };
  }
  throw malformed(`a number at byte ${start} is longer than ${VARINT_BYTES_MAX} bytes`);
}

/** Repeated integers, written packed (one bytes field) or not (a varint field each). */
export function readIntegers(field: WireField): bigint[] {
  if (field.kind === 'varint') return [BigInt.asIntN(64, field.value)];
  const values: bigint[] = [];
  for (let at = 0; at < field.bytes.length; ) {
    const { value, next } = readVarint(field.bytes, at);
    values.push(BigInt.asIntN(64, value));
    at = next;
  }
  return values;
}

/** A signed 64-bit integer as a number; refuses what a number cannot hold exactly. */
export function readSafeInteger(value: bigint): number {
  const signed = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(signed)) throw malformed(`the integer ${signed} is out of range`);
  return signed;
}

/** Text of a bytes field. Broken UTF-8 becomes the replacement character: names are compared, never executed. */
export function readText(field: WireField): string {
  return new TextDecoder().decode(field.bytes);
}

function malformed(where: string): OnnxFileError {
  return new OnnxFileError('onnx-malformed', `reading an ONNX file: ${where}; the file is damaged or not ONNX`);
}
