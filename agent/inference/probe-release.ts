// A release so small that what its runner takes is what a runner takes: for measuring that, and for holding foreign
// runners to the protocol. It answers with the mean of each colour as a share, so every pixel of a frame counts.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';

/** ONNX, opset 13: Cast to float, ReduceMean over height and width, Mul by 1/255. uint8 [1,32,32,3] → float32 [1,3]. */
const MODEL = Buffer.from(
  'CAgSBWJlbGF5OukBCikKCGltYWdlX3U4EgVpbWFnZRoFaW1hZ2UiBENhc3QqCQoCdG8YAaABAgpBCgVpbWFnZRIFbWVhbnMaBW1lYW5zIgpSZWR1' +
    'Y2VNZWFuKg0KBGF4ZXNAAUACoAEHKg8KCGtlZXBkaW1zGACgAQIKIwoFbWVhbnMKBXNoYXJlEgZzY29yZXMaBnNjb3JlcyIDTXVsEgVncmFwaCoP' +
    'EAFCBXNoYXJlSgSBgIA7WiIKCGltYWdlX3U4EhYKFAgCEhAKAggBCgIIIAoCCCAKAggDYhgKBnNjb3JlcxIOCgwIARIICgIIAQoCCANCBAoAEA0=',
  'base64',
);

export type PackageOnDisk = { readonly manifest: Manifest; readonly packageDir: string };

/** Writes the model into `folder`, and gives its manifest. The golden files that a manifest names are not there. */
export function writeProbeRelease(folder: string): PackageOnDisk {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), MODEL);
  return { manifest: manifestSchema.parse(probeManifest()), packageDir: folder };
}

function probeManifest(): unknown {
  const sha256 = createHash('sha256').update(MODEL).digest('hex');
  const file = (path: string, role: string) => ({ path, role, sha256, bytes: MODEL.length });
  return {
    schema: 'belay.model/1',
    name: 'mean-colour',
    version: '1.0.0',
    task: 'classification',
    owner: 'belay',
    changelog: 'Measures runners, never a part.',
    provenance: {
      codeCommit: '0000000',
      dataTag: '000000',
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
      shape: [1, 32, 32, 3],
      color: 'rgb',
      fit: 'stretch',
      normalise: 'in-graph',
    },
    outputs: [{ name: 'scores', dtype: 'float32', shape: [1, 3], role: 'scores' }],
    postprocess: { type: 'classification', activation: 'none', topK: 3 },
    labels: ['red', 'green', 'blue'].map((name, id) => ({ id, name })),
    limits: {},
    warmup: {},
    golden: { frames: 'golden/frames.bin', expect: 'golden/expect.json', tolerance: {} },
    metrics: { set: 'none', note: 'nothing was learnt', values: [{ metric: 'precision', value: 1, count: 1 }] },
  };
}
