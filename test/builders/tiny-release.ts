// Releases small enough to build in a test, yet real ONNX: one box whose score is the brightness of the frame, and
// variants that misbehave the way field models do. Writes the package folder as the agent finds it.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ElementType,
  floatTensor,
  type Graph,
  indexTensor,
  type Model,
  type Node,
} from '../../scripts/models/onnx/model.ts';
import { writeModel } from '../../scripts/models/onnx/writer.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';

export const TINY_LABELS = ['scratch', 'dent', 'micro-crack', 'spill'];

/** Brightness above which the `hang-when-bright` variant never returns; the grey of the warm-up is below it. */
export const BRIGHT = 128;

export type TinyVariant = 'sound' | 'half' | 'nan' | 'hang' | 'hang-when-bright';

/** The model editor has no data of this type, but the port of a model may have it. */
const HALF = 'float16' as string as ElementType;
const CELLS = 1024;
const ROWS = 4 + TINY_LABELS.length;

/** Score of class 0 at cell 0 = mean of the frame / 255; its box is x 10, y 20, width 40, height 20. */
export function tinyModel(variant: TinyVariant, size = 64): Uint8Array {
  const slope = new Array<number>(ROWS * CELLS).fill(0);
  const base = new Array<number>(ROWS * CELLS).fill(0);
  slope[4 * CELLS] = 1 / 255;
  [30, 30, 40, 20].forEach((value, row) => {
    base[row * CELLS] = value;
  });
  if (variant === 'nan') base[4 * CELLS] = Number.NaN;
  const isLooping = variant === 'hang' || variant === 'hang-when-bright';
  const isHalf = variant === 'half';
  const last = isLooping || isHalf ? 'answer' : 'out0';
  const nodes: Node[] = [
    { op: 'Cast', inputs: ['image_u8'], outputs: ['image'], attributes: { to: 1 } },
    { op: 'ReduceMean', inputs: ['image'], outputs: ['mean4'], attributes: { axes: [0, 1, 2, 3], keepdims: 1 } },
    { op: 'Reshape', inputs: ['mean4', 'one-by-one'], outputs: ['mean'] },
    { op: 'Mul', inputs: ['mean', 'slope'], outputs: ['sloped'] },
    { op: 'Add', inputs: ['sloped', 'base'], outputs: [last] },
    ...(isLooping ? loopNodes(variant) : []),
    ...(isHalf ? [{ op: 'Cast', inputs: ['answer'], outputs: ['out0'], attributes: { to: 10 } }] : []),
  ];
  const model: Model = {
    nodes,
    initializers: [
      indexTensor('one-by-one', [1, 1, 1]),
      indexTensor('no-dims', []),
      floatTensor('slope', slope, [1, ROWS, CELLS]),
      floatTensor('base', base, [1, ROWS, CELLS]),
      floatTensor('bright', [variant === 'hang' ? -1 : BRIGHT]),
      floatTensor('nothing', [0]),
    ],
    inputs: [{ name: 'image_u8', dtype: isHalf ? HALF : 'uint8', dims: [1, size, size, 3] }],
    outputs: [{ name: 'out0', dtype: isHalf ? HALF : 'float32', dims: [1, ROWS, CELLS] }],
    opset: 13,
    irVersion: 8,
    producer: 'belay tests',
    metadata: {},
  };
  return writeModel(model);
}

/** A Loop without a trip count whose condition, once true, stays true. */
function loopNodes(variant: TinyVariant): Node[] {
  const body: Graph = {
    nodes: [
      { op: 'Identity', inputs: ['go-in'], outputs: ['go-out'] },
      { op: 'Add', inputs: ['carried-in', 'nothing'], outputs: ['carried-out'] },
    ],
    initializers: [],
    inputs: [
      { name: 'round', dtype: 'int64', dims: [] },
      { name: 'go-in', dtype: 'bool', dims: [] },
      { name: 'carried-in', dtype: 'float32', dims: [1, ROWS, CELLS] },
    ],
    outputs: [
      { name: 'go-out', dtype: 'bool', dims: [] },
      { name: 'carried-out', dtype: 'float32', dims: [1, ROWS, CELLS] },
    ],
  };
  return [
    { op: 'Reshape', inputs: ['mean', 'no-dims'], outputs: ['mean0'] },
    { op: 'Greater', inputs: ['mean0', 'bright'], outputs: ['go'] },
    { op: 'Loop', inputs: ['', 'go', 'answer'], outputs: ['out0'], attributes: { body: { graph: body } } },
  ].map((node) => ({ ...node, name: `${variant}-${node.op}` }));
}

export type TinyRelease = { readonly manifest: Manifest; readonly packageDir: string; readonly modelPath: string };

type TinyOptions = {
  readonly dir: string;
  readonly variant?: TinyVariant;
  /** Width and height that the model really takes. */
  readonly size?: number;
  readonly version?: string;
  readonly change?: (manifest: Record<string, unknown>) => void;
};

/** Writes the package into `dir`; `change` edits the manifest before it is checked. */
export function writeTinyRelease(options: TinyOptions): TinyRelease {
  const { dir, variant = 'sound', size = 64, version = '1.0.0' } = options;
  mkdirSync(dir, { recursive: true });
  const model = tinyModel(variant, size);
  const modelPath = join(dir, 'model.onnx');
  writeFileSync(modelPath, model);
  const document: Record<string, unknown> = tinyManifest({ model, size, version });
  options.change?.(document);
  const manifest = manifestSchema.parse(document);
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
  return { manifest, packageDir: dir, modelPath };
}

function tinyManifest(of: { model: Uint8Array; size: number; version: string }): Record<string, unknown> {
  const sha256 = createHash('sha256').update(of.model).digest('hex');
  const file = (path: string, role: string) => ({ path, role, sha256, bytes: of.model.byteLength });
  return {
    schema: 'belay.model/1',
    name: 'tiny-detector',
    version: of.version,
    task: 'detection',
    owner: 'vision team',
    changelog: 'made by a test',
    provenance: {
      codeCommit: 'abcdef0',
      dataTag: 'test0',
      dataSha256: sha256,
      trainConfigSha256: sha256,
      createdAtMs: 0,
      parent: null,
    },
    files: [file('model.onnx', 'model'), file('golden/frames.bin', 'golden'), file('golden/expect.json', 'golden')],
    runtime: { kind: 'onnxruntime', min: '1.30', opset: [13, 13], providers: ['cpu'], precision: 'fp32' },
    input: {
      name: 'image_u8',
      dtype: 'uint8',
      layout: 'NHWC',
      shape: [1, of.size, of.size, 3],
      color: 'rgb',
      fit: 'letterbox',
      normalise: 'in-graph',
    },
    outputs: [{ name: 'out0', dtype: 'float32', shape: [1, ROWS, CELLS], role: 'yolo' }],
    postprocess: { type: 'detection', decoder: 'yolov8', box: 'cxcywh', coords: 'input-px', score: 0.4 },
    labels: TINY_LABELS.map((name, id) => ({ id, name })),
    limits: {},
    warmup: {},
    golden: { frames: 'golden/frames.bin', expect: 'golden/expect.json', tolerance: {} },
    metrics: { set: 'none', note: 'made by a test', values: [{ metric: 'map50', value: 1, count: 1 }] },
  };
}
