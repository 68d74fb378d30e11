// Checks one committed release as a device would, and more: digests, contract, re-derivation, golden answers and scores.
// Answers findings, prints nothing.
import { iou } from '../../agent/inference/decode/boxes.ts';
import { describeError } from '../../shared/basics/errors.ts';
import { type Answer, detectionsOf } from '../../shared/release/answers.ts';
import type { Manifest, MetricValue } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import { listOnnxNodes, listOnnxTensors, readOnnxFile } from '../../shared/release/onnx-file.ts';
import { type CatalogueEntry, entryOf } from './catalogue.ts';
import { expectationOf, readGolden, type ScoredExpectation } from './golden-expectation.ts';
import { deriveModel } from './make-model.ts';
import type { Range } from './quantise.ts';
import {
  GOLDEN_EXPECT_PATH,
  MODEL_PATH,
  RANGES_PATH,
  readRelease,
  readReleaseFile,
  sha256Of,
} from './release-store.ts';

export type Check = { readonly name: string; readonly passed: boolean; readonly detail: string };

export type VerifiedRelease = {
  readonly folder: string;
  readonly checks: readonly Check[];
  readonly scores: readonly MetricValue[];
};

/** Scores may move by this much between kinds of CPU (int8 rounding); one finding of 56 frames is 18 per 1,000. */
export const SCORE_TOLERANCE = 0.03;
export const FALSE_ALARM_TOLERANCE_PER_1K = 40;

/** Runs every check that can still be made; a check that throws has failed with what it threw. */
export async function verifyRelease(folder: string, root: string): Promise<VerifiedRelease> {
  const entry = entryOf(folder);
  const checks: Check[] = [];
  const check = async (name: string, look: () => string | Promise<string>) => {
    try {
      checks.push({ name, passed: true, detail: await look() });
    } catch (error) {
      checks.push({ name, passed: false, detail: describeError(error) });
    }
  };
  let scores: readonly MetricValue[] = [];
  await check('manifest', () => `valid, ${readRelease(folder, root).manifest.metrics.values.length} metrics`);
  if (checks.every((one) => one.passed)) {
    const { manifest } = readRelease(folder, root);
    const model = readReleaseFile(folder, MODEL_PATH, root);
    await check('digests', () => checkDigests(folder, manifest, root));
    await check('contract', () => checkContract(manifest, model));
    await check('derivation', () => checkDerivation(entry, manifest, root));
    await check('golden', async () => {
      const actual = await expectationOf(manifest, model, readGolden(folder, root));
      scores = actual.scores;
      return checkGolden(manifest, actual, readExpectation(folder, root));
    });
  }
  return { folder, checks, scores };
}

function checkDigests(folder: string, manifest: Manifest, root: string): string {
  for (const file of manifest.files) {
    const bytes = readReleaseFile(folder, file.path, root);
    if (bytes.length !== file.bytes || sha256Of(bytes) !== file.sha256) {
      throw new Error(
        `${file.path} is not the file of the manifest: ${bytes.length} bytes, SHA-256 ${sha256Of(bytes)}`,
      );
    }
  }
  return `${manifest.files.length} files`;
}

/** The model file against the manifest: port, shape, operators. */
function checkContract(manifest: Manifest, model: Uint8Array): string {
  const file = readOnnxFile(model);
  const [input] = file.graph.inputs;
  const [output] = file.graph.outputs;
  const said = JSON.stringify([
    manifest.input.name,
    manifest.input.dtype,
    manifest.input.shape,
    manifest.outputs[0]?.shape,
  ]);
  const is = JSON.stringify([input?.name, input?.dtype, input?.shape, output?.shape]);
  if (said !== is) throw new Error(`the manifest says ${said}, the model ${is}`);
  const foreign = listOnnxNodes(file).filter((node) => node.domain !== '' || node.subgraphs.length > 0);
  if (foreign.length > 0) throw new Error(`operators outside the standard set: ${foreign.map((node) => node.op)}`);
  if (listOnnxTensors(file).some((tensor) => tensor.external !== null)) throw new Error('weights outside the file');
  const names = file.metadata.names;
  const labels = JSON.stringify(manifest.labels.map((label) => label.name));
  if (manifest.task !== 'ocr' && names !== labels) throw new Error(`labels ${labels}, but the model says ${names}`);
  return `opset ${file.opset}, ${file.graph.nodes.length} nodes`;
}

function checkDerivation(entry: CatalogueEntry, manifest: Manifest, root: string): string {
  if (entry.source.kind === 'trained') return 'trained: compared by golden scores';
  const again = deriveModel(entry, {
    modelOf: (folder) => readReleaseFile(folder, MODEL_PATH, root),
    rangesOf: (folder) => readRanges(folder, root),
  });
  if (sha256Of(again) !== modelFile(manifest).sha256) throw new Error('deriving it again gives other bytes');
  return `${entry.source.kind} of ${entry.source.of}: same bytes`;
}

function readRanges(folder: string, root: string): ReadonlyMap<string, Range> {
  const text = new TextDecoder().decode(readReleaseFile(folder, RANGES_PATH, root));
  return new Map(Object.entries(JSON.parse(text) as Record<string, Range>));
}

function readExpectation(folder: string, root: string): ScoredExpectation {
  return JSON.parse(new TextDecoder().decode(readReleaseFile(folder, GOLDEN_EXPECT_PATH, root))) as ScoredExpectation;
}

function checkGolden(manifest: Manifest, actual: ScoredExpectation, expected: ScoredExpectation): string {
  const moved = movedScores(actual.scores, expected.scores);
  if (moved.length > 0) throw new Error(moved.join('; '));
  const differing = expected.answers.filter((answer, i) => !answersAgree(manifest, answer, actual.answers[i]));
  if (differing.length > 0)
    throw new Error(`${differing.length} of ${expected.answers.length} reference answers differ`);
  return `${expected.scores.length} scores and ${expected.answers.length} reference answers within tolerance`;
}

/** One sentence per score that left its tolerance or is missing. */
export function movedScores(actual: readonly MetricValue[], expected: readonly MetricValue[]): readonly string[] {
  const keyOf = (one: MetricValue) => [one.size, one.class, one.metric].filter((part) => part !== undefined).join(' ');
  const now = new Map(actual.map((one) => [keyOf(one), one.value]));
  return expected.flatMap((one) => {
    const value = now.get(keyOf(one));
    const tolerance = one.metric === 'false-positives-per-1k' ? FALSE_ALARM_TOLERANCE_PER_1K : SCORE_TOLERANCE;
    if (value !== undefined && Math.abs(value - one.value) <= tolerance) return [];
    return [`${keyOf(one)} is ${value ?? 'missing'}, expected ${one.value} ± ${tolerance}`];
  });
}

/** Every reference finding is there within tolerance; findings on the very edge of the threshold may come or go. */
export function answersAgree(manifest: Manifest, expected: Answer, actual: Answer | undefined): boolean {
  if (actual === undefined || actual.task !== expected.task) return false;
  if (expected.task === 'ocr' && actual.task === 'ocr') return expected.text === actual.text;
  const { tolerance } = manifest.golden;
  const { postprocess } = manifest;
  const edge = postprocess.type === 'detection' ? postprocess.score + tolerance.score : 0;
  const isThere = (one: ReturnType<typeof detectionsOf>[number]) =>
    detectionsOf(actual).some(
      (other) =>
        other.label === one.label &&
        Math.abs(other.score - one.score) <= tolerance.score &&
        (iou(one.box, other.box) >= tolerance.iou || isNear(one.box, other.box, tolerance.boxPx)),
    );
  return detectionsOf(expected).every((one) => one.score < edge || isThere(one));
}

function isNear(a: readonly number[], b: readonly number[], px: number): boolean {
  return a.every((value, i) => Math.abs(value - (b[i] ?? Number.NaN)) <= px);
}
