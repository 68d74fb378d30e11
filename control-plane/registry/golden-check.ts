// Is the golden set of a release readable, and does it speak of classes that the release knows? Pure: bytes in, findings out.
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import type { Finding } from '../../shared/protocol/api-releases.ts';
import { type Answer, detectionsOf } from '../../shared/release/answers.ts';
import { type GoldenIndex, goldenExpectationSchema, readGoldenSet } from '../../shared/release/golden.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

export function judgeGoldenSet(manifest: Manifest, frames: Uint8Array, expectation: Uint8Array): readonly Finding[] {
  const set = readGoldenSet(frames);
  if (!set.ok) return [wrong('golden.frames', describeProblems(set.problems))];
  const expected = parseJson(goldenExpectationSchema, expectation);
  if (!expected.ok) return [wrong('golden.expect', describeProblems(expected.problems.slice(0, 5)))];
  const { index } = set.value;
  const findings = [...judgeTruths(manifest, index), ...judgeAnswers(manifest, expected.value.answers, index)];
  if (findings.length > 0) return findings;
  const message = `${index.frames.length} frames, ${expected.value.answers.length} reference answers`;
  return [{ check: 'golden', ok: true, path: 'golden', message }];
}

function judgeTruths(manifest: Manifest, index: GoldenIndex): readonly Finding[] {
  const labels = index.frames.flatMap((frame) => frame.objects.map((object) => object.label));
  return unknownLabels(manifest, labels, 'golden.frames');
}

function judgeAnswers(manifest: Manifest, answers: readonly Answer[], index: GoldenIndex): readonly Finding[] {
  const findings: Finding[] = [];
  if (answers.length > index.frames.length) {
    findings.push(wrong('golden.expect', `${answers.length} answers for ${index.frames.length} frames`));
  }
  const otherTask = answers.find((answer) => answer.task !== manifest.task);
  if (otherTask)
    findings.push(wrong('golden.expect', `an answer of ${otherTask.task}, the release is for ${manifest.task}`));
  const labels = answers.flatMap((answer) => detectionsOf(answer).map((detection) => detection.label));
  return [...findings, ...unknownLabels(manifest, labels, 'golden.expect')];
}

function unknownLabels(manifest: Manifest, labels: readonly string[], path: string): readonly Finding[] {
  const known = new Set(manifest.labels.map((label) => label.name));
  const unknown = [...new Set(labels)].filter((label) => !known.has(label));
  if (unknown.length === 0) return [];
  return [wrong(path, `speaks of ${unknown.join(', ')}; the release knows ${[...known].join(', ')}`)];
}

function wrong(path: string, message: string): Finding {
  return { check: 'golden', ok: false, path, message };
}
