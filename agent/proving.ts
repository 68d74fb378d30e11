// The golden run: every golden picture through the real preprocessing into a ring, and through a real runner of the
// release, in a process of its own. What the answers mean is judged in core/proof.ts and core/golden-score.ts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../shared/basics/parsing.ts';
import {
  type GoldenExpectation,
  type GoldenSet,
  goldenExpectationSchema,
  readGoldenSet,
} from '../shared/release/golden.ts';
import type { Installed } from './artifacts/artifacts.ts';
import type { ProofFault } from './core/events.ts';
import { scoreGolden } from './core/golden-score.ts';
import { type MaskTally, openMaskTally, overlapOf } from './core/mask-score.ts';
import { compareReference } from './core/proof.ts';
import type { ProofRecord } from './core/state.ts';
import { type GoldenPictures, type GoldenRun, type GoldenRunParts, probeStart, runGolden } from './golden-run.ts';
import { gridView, truthInFrame } from './golden-truth.ts';

export type ProofResult =
  | { readonly kind: 'proof'; readonly record: ProofRecord; readonly fault: ProofFault | null }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'starved'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/** Runs and judges the golden set of an installed release. Never throws for what the release does. */
export async function proveRelease(release: Installed, parts: GoldenRunParts): Promise<ProofResult> {
  const { manifest, packageDir } = release;
  let golden: { readonly set: GoldenSet; readonly expectation: GoldenExpectation };
  try {
    golden = await readGolden(packageDir, manifest.golden);
  } catch (error) {
    return judged(release, null, { fault: 'mismatch', reason: `its golden set: ${describeError(error)}` }, parts);
  }
  const tally = tallyOf(release, golden.set);
  const pictures = picturesOf(release, golden.set, tally);
  const run = await runGolden(release, pictures, parts);
  if (run.kind === 'cancelled') return { kind: 'cancelled' };
  if (run.kind === 'damaged' || run.kind === 'starved') return { kind: run.kind, reason: run.reason };
  if (run.kind === 'failed') return judged(release, null, run, parts);
  const result = judgeAnswers(release, run, { ...golden, tally }, parts);
  if (result.kind !== 'proof' || !result.record.passed) return result;
  const starts = await measureStarts(release, parts);
  return {
    ...result,
    record: { ...result.record, ...starts, coldStartsMs: [run.coldStartMs, ...starts.coldStartsMs] },
  };
}

/** Only a segmenter tells pixels, and only a set that has masks can be held against them. */
function tallyOf({ manifest }: Installed, { index }: GoldenSet): MaskTally | null {
  if (manifest.task !== 'segmentation' || index.frames.every(({ mask }) => mask === undefined)) return null;
  const file = manifest.files.find(({ path }) => path === manifest.golden.frames);
  return openMaskTally(file?.sha256.slice(0, SET_CHARACTERS) ?? '', index.frames.length);
}

/** Enough to tell golden sets apart. */
const SET_CHARACTERS = 16;

function picturesOf(
  { manifest, packageDir }: Installed,
  { index }: GoldenSet,
  tally: MaskTally | null,
): GoldenPictures {
  const pictures = { path: join(packageDir, manifest.golden.frames), frames: index.frames.length };
  if (tally === null) return pictures;
  return {
    ...pictures,
    onMask(picture, answer, size) {
      const truth = index.frames[picture]?.mask;
      if (truth === undefined) return;
      tally.add(picture, overlapOf({ answer, truth, view: gridView(answer, truth, size, manifest.input) }));
    },
  };
}

/** The starts beyond that of the proof itself, as many as the rollout asks for. */
async function measureStarts(
  release: Installed,
  parts: GoldenRunParts,
): Promise<{ readonly coldStartsMs: readonly number[]; readonly startsTried: number }> {
  const { manifest, packageDir } = release;
  const coldStartsMs: number[] = [];
  const { coldStartProbes } = parts.prewarm;
  for (let at = 1; at < coldStartProbes && !parts.signal.aborted; at += 1) {
    const startMs = await probeStart(release, join(packageDir, manifest.golden.frames), parts);
    if (startMs !== null) coldStartsMs.push(startMs);
  }
  return { coldStartsMs, startsTried: coldStartProbes };
}

function judgeAnswers(
  release: Installed,
  run: Extract<GoldenRun, { kind: 'answers' }>,
  golden: { readonly set: GoldenSet; readonly expectation: GoldenExpectation; readonly tally: MaskTally | null },
  parts: GoldenRunParts,
): ProofResult {
  const { postprocess, golden: rules } = release.manifest;
  const scoreFloor = postprocess.type === 'detection' ? postprocess.score : 0;
  const comparison = compareReference(run.answers, golden.expectation.answers, rules.tolerance, scoreFloor);
  const why = { fault: comparison.passed ? null : ('mismatch' as const), reason: comparison.reason };
  const truths = golden.set.index.frames.map((frame, at) => {
    const picture = run.pictures[at];
    return picture === undefined ? frame : truthInFrame(frame, picture, release.manifest.input);
  });
  const scores = scoreGolden(run.answers, truths);
  const masked = golden.set.index.frames.flatMap(({ mask }, at) => (mask === undefined ? [] : [at]));
  return judged(release, { run, scores: golden.tally?.attach(scores, new Set(masked)) ?? scores }, why, parts);
}

function judged(
  release: Installed,
  done: { run: Extract<GoldenRun, { kind: 'answers' }>; scores: ProofRecord['scores'] } | null,
  why: { readonly fault: ProofFault | null; readonly reason: string },
  parts: GoldenRunParts,
): ProofResult {
  const record: ProofRecord = {
    ...release.ref,
    passed: why.fault === null,
    reason: why.reason.slice(0, 2000),
    atMs: Math.round(parts.wallNow()),
    frames: done?.run.answers.length ?? 0,
    loadMs: done?.run.loadMs ?? 0,
    coldStartMs: done?.run.coldStartMs ?? 0,
    scores: done?.scores ?? [],
  };
  return { kind: 'proof', record, fault: why.fault };
}

async function readGolden(packageDir: string, paths: { readonly frames: string; readonly expect: string }) {
  const set = readGoldenSet(await readFile(join(packageDir, paths.frames)));
  if (!set.ok) throw new Error(describeProblems(set.problems));
  const expectation = parseJson(goldenExpectationSchema, await readFile(join(packageDir, paths.expect)));
  if (!expectation.ok) throw new Error(describeProblems(expectation.problems.slice(0, 5)));
  return { set: set.value, expectation: expectation.value };
}
