// A release for tests: a manifest that parses, and files that are only bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import { type Manifest, manifestSchema } from '../../../shared/release/manifest.ts';

export type BuiltRelease = {
  readonly manifest: Manifest;
  readonly manifestBytes: Buffer;
  readonly digest: string;
  readonly files: ReadonlyMap<string, Buffer>;
};

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

export function buildRelease(version: string, modelBytes = 200_000): BuiltRelease {
  const model = Buffer.alloc(modelBytes, `${version} weights `);
  const files = new Map([
    ['model.onnx', model],
    ['golden/frames.bin', Buffer.from(`frames ${version}`)],
    ['golden/expect.json', Buffer.from('{}')],
  ]);
  const manifest = manifestSchema.parse({
    schema: 'belay.model/1',
    name: 'cv-detector',
    version,
    task: 'detection',
    owner: 'vision team',
    changelog: 'test release',
    provenance: {
      codeCommit: 'abcdef1',
      dataTag: 'b4f7a1',
      dataSha256: sha256('data'),
      trainConfigSha256: sha256('config'),
      createdAtMs: 1,
      parent: null,
    },
    files: [...files].map(([path, bytes]) => ({
      path,
      role: path === 'model.onnx' ? 'model' : 'golden',
      sha256: sha256(bytes),
      bytes: bytes.length,
    })),
    runtime: { kind: 'onnxruntime', min: '1.30', opset: [12, 21], providers: ['cpu'], precision: 'fp32' },
    input: {
      name: 'image',
      dtype: 'uint8',
      layout: 'NHWC',
      shape: [1, 32, 32, 3],
      color: 'rgb',
      fit: 'letterbox',
      normalise: 'in-graph',
    },
    outputs: [{ name: 'out0', dtype: 'float32', shape: [1, 6, 10], role: 'yolo' }],
    postprocess: { type: 'detection', decoder: 'yolov8', box: 'cxcywh', coords: 'input-px' },
    labels: [{ id: 0, name: 'scratch' }],
    limits: {},
    warmup: {},
    golden: { frames: 'golden/frames.bin', expect: 'golden/expect.json', tolerance: {} },
    metrics: { set: 'test', note: 'test', values: [{ metric: 'map50', value: 0.9, count: 10 }] },
  });
  const manifestBytes = Buffer.from(canonicalJson(manifest));
  return { manifest, manifestBytes, digest: sha256(manifestBytes), files };
}

export function writePackage(folder: string, release: BuiltRelease): void {
  for (const [path, bytes] of release.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(release.manifest, null, 2));
}

export function publish(bodies: Map<string, Buffer>, release: BuiltRelease): void {
  bodies.set(`/v1/manifests/${release.digest}`, release.manifestBytes);
  for (const bytes of release.files.values()) bodies.set(`/v1/artifacts/${sha256(bytes)}`, bytes);
}
