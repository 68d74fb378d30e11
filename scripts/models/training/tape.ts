// Define-once automatic differentiation: layers record operators on a tape, `backward` appends the operators that
// compute every gradient, and the whole becomes ONE ONNX graph. No numbers are computed here; ONNX Runtime does that.

import type { Random } from '../../../agent/frames/line/random.ts';
import type { Attributes, Model, Node, Port, Tensor } from '../onnx/model.ts';
import { floatTensor, indexTensor } from '../onnx/model.ts';

/** A tensor in the graph: its name and its static shape. */
export type Value = { readonly name: string; readonly dims: readonly number[] };

/** A trainable tensor; `data` changes in place at every optimiser step. */
export type Parameter = { readonly name: string; readonly dims: readonly number[]; readonly data: Float32Array };

/** A batch statistic that the optimiser averages over steps, e.g. mean and variance of a BatchNorm layer. */
export type Statistic = { readonly value: Value; readonly key: string };

export class Tape {
  readonly parameters = new Map<string, Parameter>();
  readonly statistics: Statistic[] = [];
  /** With batch normalisation while training; exported graphs carry it folded into the convolutions. */
  readonly isNormalised: boolean;
  readonly #random: Random;
  readonly #nodes: Node[] = [];
  readonly #constants: Tensor[] = [];
  readonly #inputs: Port[] = [];
  readonly #backward: (() => void)[] = [];
  readonly #gradients = new Map<string, Value>();
  #counter = 0;

  constructor(options: { random: Random; isNormalised: boolean }) {
    this.#random = options.random;
    this.isNormalised = options.isNormalised;
  }

  /** Records one operator with one output of the given shape. An empty text stands for an omitted input. */
  op(name: string, inputs: readonly (Value | string)[], dims: readonly number[], attributes?: Attributes): Value {
    const output = this.#fresh('t');
    const names = inputs.map((input) => (typeof input === 'string' ? input : input.name));
    this.#nodes.push({ op: name, inputs: names, outputs: [output], ...(attributes ? { attributes } : {}) });
    return { name: output, dims };
  }

  floats(...values: number[]): string {
    return this.constant(floatTensor(this.#fresh('c'), values));
  }

  indices(...values: number[]): string {
    return this.constant(indexTensor(this.#fresh('c'), values));
  }

  constant(tensor: Tensor): string {
    this.#constants.push(tensor);
    return tensor.name;
  }

  input(name: string, dims: readonly number[], dtype: Port['dtype'] = 'float32'): Value {
    this.#inputs.push({ name, dtype, dims });
    return { name, dims };
  }

  /** Declares a parameter once; a second call with the same name answers the same tensor. */
  parameter(name: string, dims: readonly number[], start: { spread: number } | { value: number }): Value {
    if (!this.parameters.has(name)) {
      const size = dims.reduce((product, dim) => product * dim, 1);
      this.parameters.set(name, { name, dims, data: this.#startingValues(size, start) });
    }
    return { name, dims };
  }

  /** Registers how a layer passes its gradient on; run in reverse order by `backward`. */
  onBackward(step: () => void): void {
    this.#backward.push(step);
  }

  /** Adds to the gradient of a value: a value used twice receives the sum of both. */
  accumulate(value: Value, gradient: Value): void {
    const before = this.#gradients.get(value.name);
    this.#gradients.set(value.name, before ? this.op('Add', [before, gradient], value.dims) : gradient);
  }

  gradientOf(value: { readonly name: string }): Value {
    const gradient = this.#gradients.get(value.name);
    if (gradient === undefined) throw new Error(`no gradient reaches ${value.name}`);
    return gradient;
  }

  /** Starts from the gradients of the loss with respect to the heads and appends all others. */
  backward(heads: readonly (readonly [Value, Value])[]): void {
    for (const [value, gradient] of heads) this.accumulate(value, gradient);
    for (const step of this.#backward.toReversed()) step();
  }

  /** The training graph: parameters are inputs; `extra`, all gradients and all statistics are outputs. */
  trainingGraph(extra: readonly Value[]): Model {
    const parameters = [...this.parameters.values()];
    const gradients = parameters.map((parameter) => ({ ...parameter, name: this.gradientOf(parameter).name }));
    const outputs = [...extra, ...gradients, ...this.statistics.map((statistic) => statistic.value)];
    return this.#model([...this.#inputs, ...parameters.map(asPort)], outputs.map(asPort), this.#constants);
  }

  /** The inference graph: parameters frozen to the given values, no gradients. */
  inferenceGraph(outputs: readonly Value[], frozen: readonly Tensor[]): Model {
    return this.#model(this.#inputs, outputs.map(asPort), [...this.#constants, ...frozen]);
  }

  #model(inputs: readonly Port[], outputs: readonly Port[], initializers: readonly Tensor[]): Model {
    const common = { opset: 13, irVersion: 8, producer: 'belay-models', metadata: {} };
    return { nodes: [...this.#nodes], initializers, inputs, outputs, ...common };
  }

  #startingValues(size: number, start: { spread: number } | { value: number }): Float32Array {
    if ('value' in start) return new Float32Array(size).fill(start.value);
    return Float32Array.from({ length: size }, () => this.#random.gauss() * start.spread);
  }

  #fresh(prefix: string): string {
    this.#counter += 1;
    return `${prefix}${this.#counter}`;
  }
}

function asPort(value: Value): Port {
  return { name: value.name, dtype: 'float32', dims: value.dims };
}
