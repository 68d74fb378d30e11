// An ONNX model as editable values: what the trainer writes, what the derivations and fault fixtures patch.
// Only the parts of ONNX that Belay's own models use; the reader refuses the rest instead of dropping it.

export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Float64Array;

export type ElementType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'bool' | 'float64';

export type Tensor = {
  readonly name: string;
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  readonly data: TensorData;
};

/** A plain number is an integer attribute; fractions are said as `{ float }`; `{ graph }` is a body of Loop or If. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: Graph }
  | { readonly tensor: Tensor };

export type Attributes = Readonly<Record<string, Attribute>>;

/** ONNX Runtime refuses two nodes of the same name; the writer names a node after its first output unless told otherwise. */
export type Node = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Attributes;
  readonly name?: string;
  readonly domain?: string;
};

/** `dims: null` leaves the shape to inference; a text dimension is symbolic. */
export type Port = {
  readonly name: string;
  readonly dtype: ElementType;
  readonly dims: readonly (number | string)[] | null;
};

export type Graph = {
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
};

export type Model = Graph & {
  readonly opset: number;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/** A one-dimensional int64 constant, the form in which ONNX takes axes, starts and indices. */
export function indexTensor(name: string, values: readonly number[]): Tensor {
  return { name, dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}

/** A float constant; without dims, one value is a scalar and several are a vector. */
export function floatTensor(name: string, values: readonly number[], dims?: readonly number[]): Tensor {
  const implied = values.length === 1 ? [] : [values.length];
  return { name, dtype: 'float32', dims: dims ?? implied, data: Float32Array.from(values) };
}

/** The port at `index`; our models always have it, so its absence is a mistake in the caller. */
export function portAt(ports: readonly Port[], index: number): Port {
  const port = ports[index];
  if (port === undefined) throw new RangeError(`the model has no port ${index}`);
  return port;
}
