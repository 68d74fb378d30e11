// Releases for fault tests: the detector of this repository with a golden set of four pictures, so that a proof takes a
// moment, and with bytes of its own for every version, so that each has to be downloaded. As a folder or to download.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withMetadata } from '../../scripts/models/derive.ts';
import type { Model } from '../../scripts/models/onnx/model.ts';
import { readModel } from '../../scripts/models/onnx/reader.ts';
import { writeModel } from '../../scripts/models/onnx/writer.ts';
import {
  GOLDEN_EXPECT_PATH,
  GOLDEN_FRAMES_PATH,
  MODEL_PATH,
  readRelease,
  readReleaseFile,
  sha256Of,
} from '../../scripts/models/release-store.ts';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { type GoldenExpectation, packGoldenSet, readGoldenSet } from '../../shared/release/golden.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { type Manifest, releaseIdOf } from '../../shared/release/manifest.ts';

const PARENT = 'cv-detector/1.8.2';
const GOLDEN_FRAMES = 4;

export type Package = {
  readonly release: string;
  readonly digest: string;
  readonly manifestBytes: Buffer;
  /** Bytes by SHA-256. */
  readonly artifacts: ReadonlyMap<string, Uint8Array>;
  readonly files: ReadonlyMap<string, Uint8Array>;
};

export type Packages = { readonly make: (version: string) => Package };

/** Reads the parent once. Its pictures and reference answers are cut to the first few. */
export function openPackages(): Packages {
  const { manifest } = readRelease(PARENT);
  const model = readModel(readReleaseFile(PARENT, MODEL_PATH));
  const golden = shortGolden();
  return { make: (version) => makePackage({ manifest, model, golden, version }) };
}

/** As a device finds its factory release. */
export function writePackage(pack: Package, folder: string): string {
  for (const [path, bytes] of [...pack.files, ['manifest.json', pack.manifestBytes] as const]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

type Golden = { readonly frames: Uint8Array; readonly expect: Uint8Array };
type Parts = {
  readonly manifest: Manifest;
  readonly model: Model;
  readonly golden: Golden;
  readonly version: string;
};

function makePackage({ manifest: parent, model, golden, version }: Parts): Package {
  const bytesOf = new Map<string, Uint8Array>([
    [MODEL_PATH, writeModel(withMetadata(model, { variant: version }))],
    [GOLDEN_FRAMES_PATH, golden.frames],
    [GOLDEN_EXPECT_PATH, golden.expect],
  ]);
  const files = parent.files.flatMap((file) => {
    const bytes = bytesOf.get(file.path);
    return bytes ? [{ ...file, sha256: sha256Of(bytes), bytes: bytes.byteLength }] : [];
  });
  const manifest: Manifest = { ...parent, version, files, changelog: `For a fault test: ${version}.` };
  const manifestBytes = Buffer.from(canonicalJson(manifest));
  const artifacts = new Map(files.map((file) => [file.sha256, bytesOf.get(file.path) ?? new Uint8Array()]));
  const release = formatReleaseId(releaseIdOf(manifest));
  return { release, digest: sha256Of(manifestBytes), manifestBytes, artifacts, files: bytesOf };
}

function shortGolden(): Golden {
  const parsed = readGoldenSet(readReleaseFile(PARENT, GOLDEN_FRAMES_PATH));
  if (!parsed.ok) throw new Error('the golden set of the parent cannot be read');
  const { index, picture } = parsed.value;
  const frames = index.frames.slice(0, GOLDEN_FRAMES).map(({ format, objects }, at) => {
    return { format, objects, picture: picture(at) };
  });
  const whole = JSON.parse(Buffer.from(readReleaseFile(PARENT, GOLDEN_EXPECT_PATH)).toString()) as GoldenExpectation;
  const expect = { ...whole, answers: whole.answers.slice(0, GOLDEN_FRAMES) };
  return { frames: packGoldenSet('faults', frames), expect: Buffer.from(JSON.stringify(expect)) };
}
