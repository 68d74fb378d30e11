// A whole release package in memory that the registry accepts: the tiny model, a golden set, its reference answers.
import { createHash } from 'node:crypto';
import { packGoldenSet } from '../../shared/release/golden.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { TINY_LABELS, type TinyVariant, tinyModel } from './tiny-release.ts';

/** The smallest JPEG that decoders accept is not needed here: the registry reads the index, never the picture. */
const PICTURE = new Uint8Array([0xff, 0xd8, 0xff, 0xd9]);

export type TinyPackage = {
  /** As a person would write it, before defaults. */
  readonly manifest: Record<string, unknown>;
  /** The same, read. */
  readonly parsed: Manifest;
  /** Bytes by SHA-256. */
  readonly artifacts: ReadonlyMap<string, Uint8Array>;
};

export type PackageOptions = {
  readonly version?: string;
  readonly variant?: TinyVariant;
  /** Replaces the model's bytes. */
  readonly model?: Uint8Array;
  readonly truths?: readonly string[];
  readonly change?: (manifest: Record<string, unknown>) => void;
};

export function tinyPackage(options: PackageOptions = {}): TinyPackage {
  const model = options.model ?? tinyModel(options.variant ?? 'sound');
  const truths = options.truths ?? ['scratch'];
  const objects = truths.map((label) => ({ label, box: boxOf(10), size: 'small' as const, visible: 1 }));
  const frame = { picture: PICTURE, format: 'jpeg' as const, objects };
  const frames = packGoldenSet('tiny', [frame, frame, frame]);
  const answer = { task: 'detection', detections: [{ classId: 0, label: 'scratch', score: 0.5, box: boxOf(10) }] };
  const expect = new TextEncoder().encode(
    JSON.stringify({ schema: 'belay.golden-expectation/1', answers: [answer, answer, answer] }),
  );
  const artifacts = new Map([model, frames, expect].map((bytes) => [digestOf(bytes), bytes]));
  const manifest = manifestOf({ model, frames, expect, version: options.version ?? '1.0.0' });
  options.change?.(manifest);
  return { manifest, parsed: manifestSchema.parse(manifest), artifacts };
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function boxOf(at: number): [number, number, number, number] {
  return [at, at, 20, 20];
}

type Content = {
  readonly model: Uint8Array;
  readonly frames: Uint8Array;
  readonly expect: Uint8Array;
  readonly version: string;
};

function manifestOf({ model, frames, expect, version }: Content): Record<string, unknown> {
  const file = (path: string, role: string, bytes: Uint8Array) => {
    return { path, role, sha256: digestOf(bytes), bytes: bytes.byteLength };
  };
  return {
    schema: 'belay.model/1',
    name: 'tiny-detector',
    version,
    task: 'detection',
    owner: 'vision team',
    changelog: `tiny ${version}`,
    provenance: {
      codeCommit: 'abcdef0',
      dataTag: 'test0',
      dataSha256: digestOf(frames),
      trainConfigSha256: digestOf(frames),
      createdAtMs: 0,
      parent: null,
    },
    files: [
      file('model.onnx', 'model', model),
      file('golden/frames.bin', 'golden', frames),
      file('golden/expect.json', 'golden', expect),
    ],
    runtime: { kind: 'onnxruntime', min: '1.30', opset: [13, 13], providers: ['cpu'], precision: 'fp32' },
    input: {
      name: 'image_u8',
      dtype: 'uint8',
      layout: 'NHWC',
      shape: [1, 64, 64, 3],
      color: 'rgb',
      fit: 'letterbox',
      normalise: 'in-graph',
    },
    outputs: [{ name: 'out0', dtype: 'float32', shape: [1, 8, 1024], role: 'yolo' }],
    postprocess: { type: 'detection', decoder: 'yolov8', box: 'cxcywh', coords: 'input-px', score: 0.4 },
    labels: TINY_LABELS.map((name, id) => ({ id, name })),
    limits: {},
    warmup: {},
    golden: { frames: 'golden/frames.bin', expect: 'golden/expect.json', tolerance: {} },
    metrics: { set: 'none', note: 'made by a test', values: [{ metric: 'map50', value: 1, count: 1 }] },
  };
}
