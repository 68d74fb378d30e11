// Makes complete releases out of trained models: derives the others, measures all on the held-out set, takes reference
// answers on the golden set, writes manifests. Used after training; verification uses the same parts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestFile, MetricValue } from '../../shared/release/manifest.ts';
import { readOnnxFile } from '../../shared/release/onnx-file.ts';
import { calibrate } from './calibrate.ts';
import { CATALOGUE, type CatalogueEntry, modelNameOf } from './catalogue.ts';
import { readHeldOut } from './evaluation/held-out.ts';
import { judgeRelease, type Sample } from './evaluation/judge.ts';
import { expectationOf, readGolden } from './golden-expectation.ts';
import { buildGoldenSet } from './golden-sets.ts';
import { deriveModel } from './make-model.ts';
import { manifestOf } from './manifests.ts';
import { readModel } from './onnx/reader.ts';
import type { Range } from './quantise.ts';
import {
  GOLDEN_EXPECT_PATH,
  GOLDEN_FRAMES_PATH,
  MODEL_PATH,
  RANGES_PATH,
  readReleaseFile,
  sha256Of,
  writeReleaseFile,
} from './release-store.ts';
import { readFrames } from './training/frames.ts';

const CALIBRATION_FRAMES = 40;

export type AssemblyRequest = {
  /** Holds `<folder>/model.onnx` of every trained release. */
  readonly trainedDir: string;
  readonly outDir: string;
  readonly cacheDir: string;
  readonly codeCommit: string;
  readonly onRelease: (folder: string, metrics: readonly MetricValue[], runMsP50: number) => void;
};

/** Assembles every catalogue entry whose trained origin is there; answers the folders made. */
export async function assembleReleases(request: AssemblyRequest): Promise<readonly string[]> {
  const made: string[] = [];
  const heldOut = new Map<string, readonly Sample[]>();
  for (const entry of CATALOGUE) {
    if (!isMakeable(entry, request, made)) continue;
    const { type: task } = entry.postprocess;
    const samples = heldOut.get(task) ?? readHeldOut(task, request.cacheDir);
    heldOut.set(task, samples);
    await assembleRelease(entry, samples, request);
    made.push(entry.folder);
  }
  return made;
}

function isMakeable(entry: CatalogueEntry, request: AssemblyRequest, made: readonly string[]): boolean {
  if (entry.source.kind === 'trained') return existsSync(join(request.trainedDir, entry.folder, MODEL_PATH));
  return made.includes(entry.source.of);
}

async function assembleRelease(
  entry: CatalogueEntry,
  samples: readonly Sample[],
  request: AssemblyRequest,
): Promise<void> {
  const { folder } = entry;
  const { outDir } = request;
  const put = (path: string, bytes: Uint8Array | string) => writeReleaseFile(folder, path, bytes, outDir);
  const ranges = entry.source.kind === 'quantised' ? await measureRanges(entry.source.of, request) : null;
  if (ranges !== null) put(RANGES_PATH, `${JSON.stringify(Object.fromEntries(ranges), null, 1)}\n`);
  const model = modelBytes(entry, request, ranges);
  put(MODEL_PATH, model);
  await ensureGoldenSet(entry, outDir);
  const facts = { model: readOnnxFile(model), codeCommit: request.codeCommit };
  const draft = manifestOf(entry, { ...facts, ...NOT_MEASURED_YET });
  const judgement = await judgeRelease(draft, model, samples);
  put(GOLDEN_EXPECT_PATH, `${JSON.stringify(await expectationOf(draft, model, readGolden(folder, outDir)))}\n`);
  const files = describeFiles(folder, ranges !== null, outDir);
  const manifest = manifestOf(entry, { ...facts, files, metrics: judgement.metrics });
  put('manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
  request.onRelease(folder, judgement.metrics, judgement.runMsP50);
}

/** Stands in for files and metrics while the model is measured: decoding needs the rest of the manifest only. */
const NOT_MEASURED_YET: { files: ManifestFile[]; metrics: MetricValue[] } = {
  files: [MODEL_PATH, GOLDEN_FRAMES_PATH, GOLDEN_EXPECT_PATH].map((path) => ({
    path,
    role: path === MODEL_PATH ? 'model' : 'golden',
    sha256: '0'.repeat(64),
    bytes: 1,
  })),
  metrics: [{ metric: 'recall', value: 0, count: 0 }],
};

function modelBytes(
  entry: CatalogueEntry,
  request: AssemblyRequest,
  ranges: ReadonlyMap<string, Range> | null,
): Uint8Array {
  if (entry.source.kind === 'trained') return readFileSync(join(request.trainedDir, entry.folder, MODEL_PATH));
  return deriveModel(entry, {
    modelOf: (folder) => readReleaseFile(folder, MODEL_PATH, request.outDir),
    rangesOf: () => ranges ?? new Map(),
  });
}

async function measureRanges(folder: string, request: AssemblyRequest): Promise<ReadonlyMap<string, Range>> {
  const model = readModel(readReleaseFile(folder, MODEL_PATH, request.outDir));
  const frames = readFrames({ set: 'calibrate', count: CALIBRATION_FRAMES, cacheDir: request.cacheDir });
  return calibrate(
    model,
    frames.map((frame) => frame.rgb),
  );
}

/** Shared by all releases of a name: built once, then left alone, or every digest that names it would change. */
async function ensureGoldenSet(entry: CatalogueEntry, outDir: string): Promise<void> {
  const path = join(outDir, modelNameOf(entry), GOLDEN_FRAMES_PATH);
  if (existsSync(path)) return;
  writeReleaseFile(entry.folder, GOLDEN_FRAMES_PATH, await buildGoldenSet(modelNameOf(entry)), outDir);
}

function describeFiles(folder: string, hasRanges: boolean, outDir: string): ManifestFile[] {
  const describe = (path: string, role: ManifestFile['role']): ManifestFile => {
    const bytes = readReleaseFile(folder, path, outDir);
    return { path, role, sha256: sha256Of(bytes), bytes: bytes.length };
  };
  return [
    describe(MODEL_PATH, 'model'),
    describe(GOLDEN_FRAMES_PATH, 'golden'),
    describe(GOLDEN_EXPECT_PATH, 'golden'),
    ...(hasRanges ? [describe(RANGES_PATH, 'calibration')] : []),
  ];
}
