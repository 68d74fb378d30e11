// A release's reference answers and scores on its golden set: the numeric proof of runtime and decoding on a device.
import { describeProblems } from '../../shared/basics/parsing.ts';
import { type GoldenExpectation, type GoldenSet, readGoldenSet } from '../../shared/release/golden.ts';
import type { Manifest, MetricValue } from '../../shared/release/manifest.ts';
import { judgeRelease, type Sample } from './evaluation/judge.ts';
import { decodePicture } from './golden-sets.ts';
import { GOLDEN_FRAMES_PATH, readReleaseFile } from './release-store.ts';

/** Frames with reference answers: enough kinds of defect for a numeric proof, small enough to read. */
const EXPECTED_FRAMES = 12;

/** `scores` are the release's metrics over the whole golden set; devices may ignore them, verification does not. */
export type ScoredExpectation = GoldenExpectation & { readonly scores: readonly MetricValue[] };

export async function expectationOf(
  manifest: Manifest,
  model: Uint8Array,
  golden: GoldenSet,
): Promise<ScoredExpectation> {
  const samples = await goldenSamples(golden, manifest.input.shape[3] ?? 3);
  const { answers, metrics } = await judgeRelease(manifest, model, samples);
  return { schema: 'belay.golden-expectation/1', answers: answers.slice(0, EXPECTED_FRAMES), scores: metrics };
}

/** The golden set stored for a release's model name. Throws with every mistake when it cannot be read. */
export function readGolden(folder: string, root: string): GoldenSet {
  const parsed = readGoldenSet(readReleaseFile(folder, GOLDEN_FRAMES_PATH, root));
  if (!parsed.ok) throw new Error(`golden set of ${folder}: ${describeProblems(parsed.problems)}`);
  return parsed.value;
}

/** Reference scores are of whole objects, for segmenters too; devices score those by pixels as well. */
async function goldenSamples(golden: GoldenSet, channels: number): Promise<readonly Sample[]> {
  return Promise.all(
    golden.index.frames.map(async (frame, i) => ({
      picture: await decodePicture(golden.picture(i), channels),
      truths: frame.objects,
      ...(frame.text === undefined ? {} : { text: frame.text }),
    })),
  );
}
