// Verification passes what is sound and names what is not: damaged models, moved scores, silent permutations.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bitsFlipped } from '../../../scripts/models/faults.ts';
import { silentlyPermuted } from '../../../scripts/models/make-model.ts';
import { RELEASES_DIR, readRelease, sha256Of } from '../../../scripts/models/release-store.ts';
import { answersAgree, movedScores, verifyRelease } from '../../../scripts/models/verification.ts';
import type { Answer } from '../../../shared/release/answers.ts';

const FOLDER = 'cv-detector/2.0.0';
let root = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'belay-verify-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of 2.0.0 whose model is replaced; with `isDeclared`, the manifest names the new bytes. */
function copyWith(name: string, change: (model: Uint8Array) => Uint8Array, isDeclared: boolean): string {
  const dir = join(root, name);
  cpSync(join(RELEASES_DIR, FOLDER), join(dir, FOLDER), { recursive: true });
  cpSync(join(RELEASES_DIR, 'cv-detector/golden'), join(dir, 'cv-detector/golden'), { recursive: true });
  const path = join(dir, FOLDER, 'model.onnx');
  const changed = change(readFileSync(path));
  writeFileSync(path, changed);
  if (isDeclared) {
    const manifestPath = join(dir, FOLDER, 'manifest.json');
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
    const file = manifest.files.find((one: { role: string }) => one.role === 'model');
    Object.assign(file, { sha256: sha256Of(changed), bytes: changed.length });
    writeFileSync(manifestPath, JSON.stringify(manifest));
  }
  return dir;
}

async function failedChecks(dir: string): Promise<readonly string[]> {
  const { checks } = await verifyRelease(FOLDER, dir);
  return checks.filter((check) => !check.passed).map((check) => check.name);
}

describe('verifyRelease', () => {
  it('passes a committed release', async () => {
    const { checks, scores } = await verifyRelease(FOLDER, RELEASES_DIR);
    expect(checks.filter((check) => !check.passed)).toEqual([]);
    expect(scores.length).toBeGreaterThan(10);
  });

  it('passes a derived release by making it again', async () => {
    const { checks } = await verifyRelease('cv-detector/2.4.0', RELEASES_DIR);
    expect(checks.find((check) => check.name === 'derivation')).toMatchObject({ passed: true });
  });

  it('names damage by its digest', async () => {
    const dir = copyWith('damaged', (model) => bitsFlipped(model, 50, 1), false);
    expect(await failedChecks(dir)).toContain('digests');
  });

  it('catches a silent permutation by golden frames alone', async () => {
    const dir = copyWith('silent', silentlyPermuted, true);
    expect(await failedChecks(dir)).toEqual(['golden']);
  });

  it('reports a missing release instead of throwing', async () => {
    expect(await failedChecks(join(root, 'nowhere'))).toEqual(['manifest']);
  });
});

describe('movedScores', () => {
  const before = [
    { metric: 'recall' as const, class: 'dent', value: 0.9, count: 10 },
    { metric: 'false-positives-per-1k' as const, value: 100, count: 56 },
  ];

  it('lets scores move within tolerance', () => {
    expect(
      movedScores(
        [
          { ...before[0]!, value: 0.88 },
          { ...before[1]!, value: 130 },
        ],
        before,
      ),
    ).toEqual([]);
  });

  it('names scores that left it, and missing ones', () => {
    expect(movedScores([{ ...before[0]!, value: 0.8 }], before)).toEqual([
      'dent recall is 0.8, expected 0.9 ± 0.03',
      'false-positives-per-1k is missing, expected 100 ± 40',
    ]);
  });
});

describe('answersAgree', () => {
  const { manifest } = readRelease(FOLDER);
  const answer = (score: number, x: number): Answer => ({
    task: 'detection',
    detections: [{ classId: 0, label: 'scratch', score, box: [x, 0, 30, 30] }],
  });

  it('allows what tolerance allows', () => {
    expect(answersAgree(manifest, answer(0.8, 10), answer(0.81, 11.5))).toBe(true);
    expect(answersAgree(manifest, answer(0.8, 10), answer(0.7, 10))).toBe(false);
    expect(answersAgree(manifest, answer(0.8, 10), answer(0.8, 14))).toBe(false);
    expect(answersAgree(manifest, answer(0.8, 10), undefined)).toBe(false);
  });

  it('does not insist on findings at the edge of the threshold', () => {
    expect(answersAgree(manifest, answer(0.41, 10), { task: 'detection', detections: [] })).toBe(true);
  });

  it('compares texts letter by letter', () => {
    const text = (value: string): Answer => ({ task: 'ocr', text: value, score: 0.9, accepted: true });
    expect(answersAgree(manifest, text('A1-BCDEF'), text('A1-BCDEF'))).toBe(true);
    expect(answersAgree(manifest, text('A1-BCDEF'), text('A1-BCDEG'))).toBe(false);
  });
});
