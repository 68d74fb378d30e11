// Writes the manifest of a catalogue entry: what the release claims, and what was measured about it. Pure.
import { type Manifest, type MetricValue, manifestSchema } from '../../shared/release/manifest.ts';
import type { OnnxFile, OnnxValue } from '../../shared/release/onnx-file.ts';
import { type CatalogueEntry, modelNameOf, trainedOriginOf } from './catalogue.ts';
import { HELD_OUT_NOTE, heldOutName } from './evaluation/held-out.ts';
import { recipeDigest, recipeOf } from './recipes.ts';
import { GOLDEN_EXPECT_PATH, GOLDEN_FRAMES_PATH } from './release-store.ts';
import { frameSetDigest } from './training/frames.ts';
import { stripSetDigest } from './training/strips.ts';

export type ManifestFacts = {
  readonly files: Manifest['files'];
  readonly metrics: readonly MetricValue[];
  /** What the model file says about itself: the manifest's contract is copied from it, never typed twice. */
  readonly model: OnnxFile;
  readonly codeCommit: string;
};

const OPSETS_RUN: [number, number] = [13, 17];

/** Throws when the result is not a valid manifest: then the catalogue is wrong. */
export function manifestOf(entry: CatalogueEntry, facts: ManifestFacts): Manifest {
  const task = entry.postprocess.type;
  return manifestSchema.parse({
    schema: 'belay.model/1',
    name: modelNameOf(entry),
    version: entry.version,
    task,
    owner: 'vision team',
    changelog: entry.changelog,
    provenance: provenanceOf(entry, facts.codeCommit),
    files: facts.files,
    runtime: {
      kind: 'onnxruntime',
      min: '1.30',
      opset: OPSETS_RUN,
      providers: ['cpu'],
      precision: entry.source.kind === 'quantised' ? 'int8' : 'fp32',
      intraOpThreads: 1,
    },
    input: inputOf(facts.model),
    outputs: facts.model.graph.outputs.map((output) => ({
      name: output.name,
      dtype: output.dtype,
      shape: staticShape(output),
      role: { detection: 'yolo', segmentation: 'mask', ocr: 'ctc', classification: 'scores' }[task],
    })),
    postprocess: entry.postprocess,
    labels: entry.labels.map((name, id) => ({ id, name, critical: name === 'micro-crack' })),
    ...(entry.compat ? { compat: entry.compat } : {}),
    limits: { memoryMb: 400, coldMs: 60_000, minFps: 5 },
    warmup: { runs: 2 },
    golden: { frames: GOLDEN_FRAMES_PATH, expect: GOLDEN_EXPECT_PATH, tolerance: {} },
    metrics: { set: heldOutName(task), note: HELD_OUT_NOTE, values: facts.metrics },
  });
}

function provenanceOf(entry: CatalogueEntry, codeCommit: string) {
  const recipe = recipeOf(trainedOriginOf(entry).folder);
  const isReader = recipe.net === 'lot-reader';
  const dataSha256 = isReader ? stripSetDigest('train', recipe.samples) : frameSetDigest('train', recipe.samples);
  return {
    codeCommit,
    dataTag: dataSha256.slice(0, 6),
    dataSha256,
    trainConfigSha256: recipeDigest(recipe),
    createdAtMs: Date.parse(entry.createdAt),
    parent: entry.parent,
    /** How the model was made from its origin; 'trained' is the origin itself. */
    madeBy: entry.source.kind,
  };
}

function inputOf(model: OnnxFile) {
  const input = model.graph.inputs[0];
  if (input === undefined) throw new TypeError('the model has no input');
  const shape = staticShape(input);
  const color = shape[3] === 1 ? 'gray' : 'rgb';
  const fit = shape[1] === shape[2] ? 'letterbox' : 'stretch';
  return { name: input.name, dtype: input.dtype, layout: 'NHWC', shape, color, fit, normalise: 'in-graph' };
}

function staticShape(value: OnnxValue): number[] {
  const numbers = (value.shape ?? []).filter((dim) => typeof dim === 'number');
  if (value.shape === null || numbers.length !== value.shape.length)
    throw new TypeError(`${value.name} has no static shape`);
  return numbers;
}
