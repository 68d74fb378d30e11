// The bare loop runs a real model in a process of its own and ends with it.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBareLoop } from '../../../scripts/bench/bare-loop.ts';
import { prepareBenchLoop } from '../../../scripts/bench/device-rig.ts';
import { childrenRunning } from '../../../scripts/bench/machine.ts';
import { makeSlowPackage } from '../../../scripts/bench/slow-package.ts';
import { type Workspace, withWorkspace } from '../../../scripts/bench/workspace.ts';
import { MODEL_PATH, readRelease, releaseFilePath, sha256Of } from '../../../scripts/models/release-store.ts';
import { manifestSchema } from '../../../shared/release/manifest.ts';

const RELEASE = 'cv-detector/2.0.0';
const { input } = readRelease(RELEASE).manifest;

function open(workspace: Workspace, model: string) {
  const file = path.join(workspace.folder, 'frames.raw');
  writeFileSync(file, new Uint8Array(2 * 196_608).fill(114));
  return openBareLoop(workspace, { model, frames: { kind: 'decoded', file }, input, threads: 1 });
}

describe('the bare loop', () => {
  it('runs for as long as it is told, says what the model costs in memory, and ends with its workspace', async () => {
    await withWorkspace(async (workspace) => {
      const bare = await open(workspace, releaseFilePath(RELEASE, MODEL_PATH));
      expect(bare.modelMb).toBeGreaterThan(1);
      const startedAtMs = performance.now();
      const { fps } = await bare.run(300);
      expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(300);
      expect(fps).toBeGreaterThan(1);
      expect(childrenRunning(process.pid, 'bare-loop-process.ts')).toHaveLength(1);
    });
    expect(childrenRunning(process.pid, 'bare-loop-process.ts')).toEqual([]);
  }, 40_000);

  it('decodes the pictures of a camera beside the model, and refuses those of another size', async () => {
    const model = releaseFilePath(RELEASE, MODEL_PATH);
    const runOn = (side: number) =>
      withWorkspace(async (workspace) => {
        const file = await prepareBenchLoop(workspace, { side, encoding: 'jpeg' });
        return openBareLoop(workspace, { model, frames: { kind: 'pictures', file }, input, threads: 1 }).then((bare) =>
          bare.run(300),
        );
      });
    expect((await runOn(256)).fps).toBeGreaterThan(1);
    await expect(runOn(128)).rejects.toThrow('ended before it answered');
  }, 60_000);

  it('says so when it cannot load the model', async () => {
    const failing = withWorkspace((workspace) => open(workspace, '/nowhere/model.onnx'));
    await expect(failing).rejects.toThrow('ended before it answered');
  }, 40_000);
});

describe('makeSlowPackage', () => {
  it('makes a valid package whose model is several times slower', async () => {
    await withWorkspace(async (workspace) => {
      const folder = await makeSlowPackage(RELEASE, 120, path.join(workspace.folder, 'slow'));
      const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')));
      const model = readFileSync(path.join(folder, MODEL_PATH));
      const file = manifest.files.find(({ path: name }) => name === MODEL_PATH);
      expect(file).toMatchObject({ sha256: sha256Of(model), bytes: model.length });
      const good = await open(workspace, releaseFilePath(RELEASE, MODEL_PATH));
      const slow = await open(workspace, path.join(folder, MODEL_PATH));
      const fps = { good: (await good.run(500)).fps, slow: (await slow.run(500)).fps };
      expect(fps.good / fps.slow).toBeGreaterThan(3);
    });
  }, 60_000);
});
