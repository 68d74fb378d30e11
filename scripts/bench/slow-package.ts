// A package whose model answers as a good one does, only much later: the detector run several times over in one graph.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { assemblePackage } from '../fleet/package-folder.ts';
import { slowed } from '../models/faults.ts';
import { MODEL_PATH, readRelease, readReleaseFile, sha256Of } from '../models/release-store.ts';

const RUNS = 15;

/** Makes `folder` a package of `release` whose run takes about `runMs` on this machine as it is now. */
export async function makeSlowPackage(release: string, runMs: number, folder: string): Promise<string> {
  const { manifest } = readRelease(release);
  const good = readReleaseFile(release, MODEL_PATH);
  const times = Math.max(1, Math.round(runMs / (await msOfOneRun(good, manifest.input))));
  const slow = slowed(good, times);
  await assemblePackage(release, folder);
  writeFileSync(path.join(folder, MODEL_PATH), slow);
  const files = manifest.files.map((file) =>
    file.path === MODEL_PATH ? { ...file, sha256: sha256Of(slow), bytes: slow.length } : file,
  );
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ ...manifest, files }));
  return folder;
}

type Input = { readonly name: string; readonly shape: readonly number[] };

async function msOfOneRun(model: Uint8Array, { name, shape }: Input): Promise<number> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const bytes = shape.reduce((product, side) => product * side, 1);
  const feeds = { [name]: new Tensor('uint8', new Uint8Array(bytes).fill(114), shape) };
  const timesMs: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const startedAtMs = performance.now();
    await session.run(feeds);
    timesMs.push(performance.now() - startedAtMs);
  }
  await session.release();
  // The quickest run: a busy machine would make the model look slower than it is, and the slow one too quick.
  return Math.min(...timesMs);
}
