// The committed releases on disk. The golden pictures are stored once per model name and appear in every package:
// releases/<name>/golden/frames.bin, releases/<name>/<folder>/{manifest.json, model.onnx, golden/expect.json}.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';

/** Where the releases of this repository live. */
export const RELEASES_DIR = fileURLToPath(new URL('./releases', import.meta.url));

export const GOLDEN_FRAMES_PATH = 'golden/frames.bin';
export const GOLDEN_EXPECT_PATH = 'golden/expect.json';
export const MODEL_PATH = 'model.onnx';
export const RANGES_PATH = 'calibration.json';

export type StoredRelease = { readonly folder: string; readonly manifest: Manifest };

/** Reads and checks one manifest; `folder` is `<name>/<folder>`. Throws with every mistake when it is not valid. */
export function readRelease(folder: string, root = RELEASES_DIR): StoredRelease {
  const path = join(root, folder, 'manifest.json');
  const parsed = parseJson(manifestSchema, readFileSync(path));
  if (!parsed.ok) throw new Error(`${path} is no valid manifest: ${describeProblems(parsed.problems)}`);
  return { folder, manifest: parsed.value };
}

/** Where a file of a package lies on disk. */
export function releaseFilePath(folder: string, path: string, root = RELEASES_DIR): string {
  const isShared = path === GOLDEN_FRAMES_PATH;
  return isShared ? join(root, dirname(folder), path) : join(root, folder, path);
}

export function readReleaseFile(folder: string, path: string, root = RELEASES_DIR): Uint8Array {
  return readFileSync(releaseFilePath(folder, path, root));
}

export function writeReleaseFile(folder: string, path: string, bytes: Uint8Array | string, root = RELEASES_DIR): void {
  const full = releaseFilePath(folder, path, root);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, bytes);
}

/** The commit that last changed the factory or the line: what a manifest names as the code that made it. */
export function codeCommit(): string {
  const paths = ['.', ':!releases', '../../agent/frames/line'];
  const args = ['log', '-1', '--format=%H', '--', ...paths];
  return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
