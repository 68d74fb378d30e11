// A network of YOLOv8n's shape and size (3.2 million weights, 80 classes) with random weights: what a customer's export
// costs to run. It detects nothing; only its time and memory are of use. Made at once, never committed.
import { floatTensor, indexTensor, type Model, type Node, type Tensor } from '../models/onnx/model.ts';

const CLASSES = 80;
/** Bins of a side's distance in the distribution head. */
const BINS = 16;
/** Scores of about 0.0005: no box comes near any threshold, so post-processing costs what it costs on an empty line. */
const CLASS_BIAS = -7.5;
const OPSET = 17;

type Value = { readonly name: string; readonly channels: number; readonly side: number };

/** uint8 NHWC [1, side, side, 3] → float32 [1, 84, cells] in YOLOv8's layout. `side` is a multiple of 32. */
export function yolov8nModel(side: number): Model {
  const net = new Net();
  const { name } = yolo(net, net.pixels(side));
  const cells = (side / 8) ** 2 + (side / 16) ** 2 + (side / 32) ** 2;
  return {
    nodes: net.nodes,
    initializers: net.constants,
    inputs: [{ name: 'image_u8', dtype: 'uint8', dims: [1, side, side, 3] }],
    outputs: [{ name, dtype: 'float32', dims: [1, 4 + CLASSES, cells] }],
    opset: OPSET,
    irVersion: 8,
    producer: 'belay',
    metadata: {},
  };
}

/** Backbone, feature pyramid up and down, and one head for each of three scales. */
function yolo(net: Net, pixels: Value): Value {
  let x = net.block(net.block(pixels, 16, 3, 2), 32, 3, 2);
  x = net.block(net.c2f(x, 32, 1), 64, 3, 2);
  const p3 = net.c2f(x, 64, 2);
  const p4 = net.c2f(net.block(p3, 128, 3, 2), 128, 2);
  const p5 = net.pooled(net.c2f(net.block(p4, 256, 3, 2), 256, 1));
  const up4 = net.c2f(net.concat([net.upsampled(p5), p4]), 128, 1, false);
  const n3 = net.c2f(net.concat([net.upsampled(up4), p3]), 64, 1, false);
  const n4 = net.c2f(net.concat([net.block(n3, 64, 3, 2), up4]), 128, 1, false);
  const n5 = net.c2f(net.concat([net.block(n4, 128, 3, 2), p5]), 256, 1, false);
  const heads = [n3, n4, n5].map((level) => net.head(level, pixels.side / level.side));
  return net.joined(heads);
}

class Net {
  readonly nodes: Node[] = [];
  readonly constants: Tensor[] = [];
  #count = 0;
  #state = 20_260_101;

  pixels(side: number): Value {
    const moved = this.#op('Transpose', [this.#op('Cast', ['image_u8'], { to: 1 })], { perm: [0, 3, 1, 2] });
    return { name: this.#op('Mul', [moved, this.#floats([1 / 255])]), channels: 3, side };
  }

  conv(x: Value, channels: number, kernel: number, stride = 1): Value {
    const fanIn = x.channels * kernel * kernel;
    const dims = [channels, x.channels, kernel, kernel];
    const data = Float32Array.from({ length: channels * fanIn }, () => this.#random() * Math.sqrt(6 / fanIn));
    const weights = this.#constant({ name: '', dtype: 'float32', dims, data });
    const offsets = this.#floats(Array.from({ length: channels }, () => 0));
    const pad = kernel >> 1;
    const name = this.#op('Conv', [x.name, weights, offsets], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    return { name, channels, side: x.side / stride };
  }

  /** Convolution and SiLU. */
  block(x: Value, channels: number, kernel: number, stride = 1): Value {
    const y = this.conv(x, channels, kernel, stride);
    return { ...y, name: this.#op('Mul', [y.name, this.#op('Sigmoid', [y.name])]) };
  }

  c2f(x: Value, channels: number, depth: number, hasShortcut = true): Value {
    const half = channels / 2;
    const split = this.block(x, channels, 1);
    const parts = [this.#part(split, 0, half), this.#part(split, half, channels)];
    for (let i = 0; i < depth; i += 1) {
      const last = parts.at(-1)!;
      const inner = this.block(this.block(last, half, 3), half, 3);
      parts.push(hasShortcut ? { ...inner, name: this.#op('Add', [last.name, inner.name]) } : inner);
    }
    return this.block(this.concat(parts), channels, 1);
  }

  /** Three poolings in a row, joined: SPPF. */
  pooled(x: Value): Value {
    const parts = [this.block(x, x.channels / 2, 1)];
    const attributes = { kernel_shape: [5, 5], strides: [1, 1], pads: [2, 2, 2, 2] };
    for (let i = 0; i < 3; i += 1) {
      const last = parts.at(-1)!;
      parts.push({ ...last, name: this.#op('MaxPool', [last.name], attributes) });
    }
    return this.block(this.concat(parts), x.channels, 1);
  }

  upsampled(x: Value): Value {
    const scales = this.#floats([1, 1, 2, 2]);
    return { ...x, name: this.#op('Resize', [x.name, '', scales], { mode: 'nearest' }), side: x.side * 2 };
  }

  concat(parts: readonly Value[]): Value {
    const names = parts.map((part) => part.name);
    const channels = parts.reduce((sum, part) => sum + part.channels, 0);
    return { name: this.#op('Concat', names, { axis: 1 }), channels, side: parts[0]!.side };
  }

  /** Boxes (cx, cy, w, h in input pixels) and scores of one scale: [1, 84, side²]. */
  head(x: Value, stride: number): Value {
    const cells = x.side * x.side;
    const bins = this.conv(this.block(this.block(x, 64, 3), 64, 3), 4 * BINS, 1);
    const logits = this.conv(this.block(this.block(x, CLASSES, 3), CLASSES, 3), CLASSES, 1);
    const scores = this.#reshape(this.#op('Sigmoid', [this.#op('Add', [logits.name, this.#floats([CLASS_BIAS])])]), [
      1,
      CLASSES,
      cells,
    ]);
    const shares = this.#op('Softmax', [this.#reshape(bins.name, [1, 4, BINS, cells])], { axis: 2 });
    const steps = this.#floats(
      Array.from({ length: BINS }, (_, bin) => bin * stride),
      [1, 1, BINS, 1],
    );
    const sides = this.#op('ReduceSum', [this.#op('Mul', [shares, steps]), this.#indices([2])], { keepdims: 0 });
    const leftTop = this.#slice(sides, 0, 2);
    const rightBottom = this.#slice(sides, 2, 4);
    const centres = this.#floats(cellCentres(x.side, stride), [1, 2, cells]);
    const shift = this.#op('Mul', [this.#op('Sub', [rightBottom, leftTop]), this.#floats([0.5])]);
    const boxes = [this.#op('Add', [centres, shift]), this.#op('Add', [leftTop, rightBottom])];
    return { name: this.#op('Concat', [...boxes, scores], { axis: 1 }), channels: 4 + CLASSES, side: x.side };
  }

  joined(heads: readonly Value[]): Value {
    const names = heads.map((head) => head.name);
    return { ...heads[0]!, name: this.#op('Concat', names, { axis: 2 }) };
  }

  #part(x: Value, from: number, to: number): Value {
    return { ...x, name: this.#slice(x.name, from, to), channels: to - from };
  }

  #slice(name: string, from: number, to: number): string {
    return this.#op('Slice', [name, this.#indices([from]), this.#indices([to]), this.#indices([1])]);
  }

  #reshape(name: string, dims: readonly number[]): string {
    return this.#op('Reshape', [name, this.#indices(dims)]);
  }

  #op(op: string, inputs: readonly string[], attributes: NonNullable<Node['attributes']> = {}): string {
    const name = this.#name(op);
    this.nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  }

  #floats(values: readonly number[], dims?: readonly number[]): string {
    return this.#constant(floatTensor('', values, dims));
  }

  #indices(values: readonly number[]): string {
    return this.#constant(indexTensor('', values));
  }

  #constant(tensor: Tensor): string {
    const name = this.#name('constant');
    this.constants.push({ ...tensor, name });
    return name;
  }

  #name(kind: string): string {
    this.#count += 1;
    return `${kind}-${this.#count}`;
  }

  /** In [-1, 1): equal models in every run. Park and Miller's generator. */
  #random(): number {
    this.#state = (this.#state * 48_271) % 0x7fffffff;
    return (2 * this.#state) / 0x7fffffff - 1;
  }
}

/** Rows of x and y of every cell's centre, px of the input. */
function cellCentres(side: number, stride: number): readonly number[] {
  const centreOf = (index: number) => (index + 0.5) * stride;
  const cells = Array.from({ length: side * side }, (_, cell) => cell);
  return [...cells.map((cell) => centreOf(cell % side)), ...cells.map((cell) => centreOf(Math.floor(cell / side)))];
}
