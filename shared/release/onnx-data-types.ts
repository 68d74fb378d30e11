// ONNX element types: the numbers of TensorProto.DataType, their names here, and how many bits an element takes.

const TYPES = [
  ['undefined', 0],
  ['float32', 32],
  ['uint8', 8],
  ['int8', 8],
  ['uint16', 16],
  ['int16', 16],
  ['int32', 32],
  ['int64', 64],
  ['string', 0],
  ['bool', 8],
  ['float16', 16],
  ['float64', 64],
  ['uint32', 32],
  ['uint64', 64],
  ['complex64', 64],
  ['complex128', 128],
  ['bfloat16', 16],
  ['float8e4m3fn', 8],
  ['float8e4m3fnuz', 8],
  ['float8e5m2', 8],
  ['float8e5m2fnuz', 8],
  ['uint4', 4],
  ['int4', 4],
  ['float4e2m1', 4],
] as const;

export type OnnxDataType = (typeof TYPES)[number][0];

/** Name of a TensorProto.DataType number; 'undefined' for numbers this reader does not know. */
export function onnxDataType(code: number): OnnxDataType {
  return TYPES[code]?.[0] ?? 'undefined';
}

/** TensorProto.DataType number of a name. */
export function onnxDataTypeCode(dtype: OnnxDataType): number {
  return TYPES.findIndex(([name]) => name === dtype);
}

/** Bytes that dtype and dims ask for. Negative dims count as zero; strings and unknown types count as none. */
export function tensorBytes(dtype: OnnxDataType, dims: readonly number[]): number {
  const bits = TYPES[onnxDataTypeCode(dtype)]?.[1] ?? 0;
  const elements = dims.reduce((product, dim) => product * Math.max(dim, 0), 1);
  return Math.ceil((elements * bits) / 8);
}
