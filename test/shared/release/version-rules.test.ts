// Which number a release must carry: a table of changes, and properties that hold for all of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, formatVersion, parseVersion } from '../../../shared/release/identity.ts';
import type { Manifest } from '../../../shared/release/manifest.ts';
import { judgeVersion, nextVersion } from '../../../shared/release/version-rules.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';

const PARENT = manifest('1.4.2');

function manifest(version: string, change: Record<string, unknown> = {}): Manifest {
  return tinyPackage({ version, change: (document) => Object.assign(document, change) }).parsed;
}

function withModel(base: Manifest): Manifest {
  const files = base.files.map((file) => (file.role === 'model' ? { ...file, sha256: 'f'.repeat(64) } : file));
  return { ...base, files };
}

function next(change: Record<string, unknown>, base = PARENT) {
  const candidate = { ...base, ...change } as Manifest;
  return nextVersion({ candidate, parent: PARENT, existing: ['1.4.2'] });
}

const labels = (...names: string[]) => names.map((name, id) => ({ id, name, critical: false }));

describe('nextVersion', () => {
  it.each([
    [
      'labels in another order',
      { labels: labels('dent', 'scratch', 'micro-crack', 'spill') },
      '2.0.0',
      'label order changed (dent, scratch)',
    ],
    [
      'one label more',
      { labels: labels('scratch', 'dent', 'micro-crack', 'spill', 'rust') },
      '2.0.0',
      'labels changed (added rust)',
    ],
    [
      'one label for another',
      { labels: labels('scratch', 'dent', 'micro-crack', 'rust') },
      '2.0.0',
      'labels changed (added rust, removed spill)',
    ],
    [
      'another input',
      { input: { ...PARENT.input, shape: [1, 32, 32, 3] } },
      '2.0.0',
      'input contract changed (shape 1×64×64×3 → 1×32×32×3)',
    ],
    [
      'another colour order',
      { input: { ...PARENT.input, color: 'bgr' } },
      '2.0.0',
      'input contract changed (color "rgb" → "bgr")',
    ],
    [
      'another output',
      { outputs: [{ ...PARENT.outputs[0], shape: [1, 9, 1024] }] },
      '2.0.0',
      'outputs changed (out0 float32 1×8×1024 as yolo → out0 float32 1×9×1024 as yolo)',
    ],
    [
      'another decoder',
      { postprocess: { ...PARENT.postprocess, box: 'xyxy' } },
      '2.0.0',
      'reading of the outputs changed (box "cxcywh" → "xyxy")',
    ],
    [
      'thresholds only',
      { postprocess: { ...PARENT.postprocess, score: 0.6, iou: 0.5 } },
      '1.4.3',
      'only thresholds changed (iou, score)',
    ],
    ['words only', { changelog: 'other words' }, '1.4.3', 'same contract and model, only its description changed'],
  ])('%s', (_what, change, version, because) => {
    expect(next(change)).toMatchObject({ version, because });
  });

  it('new training under the same contract is a minor step', () => {
    expect(next({}, withModel(PARENT))).toEqual({
      version: '1.5.0',
      bump: 'minor',
      because: 'same contract, other model bytes',
    });
  });

  it('another task is told as such, with what it brings', () => {
    const postprocess = { type: 'segmentation', decoder: 'probs' };
    expect(next({ task: 'segmentation', postprocess }).because).toBe('task changed (detection → segmentation)');
  });

  it('skips numbers that are taken', () => {
    const question = { candidate: withModel(PARENT), parent: PARENT, existing: ['1.4.2', '1.5.0', '1.6.0'] };
    expect(nextVersion(question).version).toBe('1.7.0');
  });
});

describe('judgeVersion', () => {
  const judge = (version: string, base: Manifest, existing: readonly string[] = ['1.4.2']) =>
    judgeVersion({ candidate: { ...base, version }, parent: PARENT, existing });

  it('takes the number it asks for, and a larger step', () => {
    for (const version of ['1.5.0', '1.9.0', '2.0.0']) expect(judge(version, withModel(PARENT)).ok).toBe(true);
  });

  it('refuses a smaller step, naming what changed and the number it must be', () => {
    const shuffled = { ...PARENT, labels: labels('spill', 'dent', 'micro-crack', 'scratch') };
    expect(judge('1.5.0', shuffled)).toEqual({
      ok: false,
      reason: 'label order changed (spill, scratch) → this must be 2.0.0',
      shouldBe: '2.0.0',
    });
    expect(judge('1.4.3', withModel(PARENT))).toMatchObject({ ok: false, shouldBe: '1.5.0' });
  });

  it('refuses lower, equal and taken numbers', () => {
    expect(judge('1.4.1', withModel(PARENT))).toMatchObject({ reason: expect.stringContaining('lower than') });
    expect(judge('1.4.2', withModel(PARENT), [])).toMatchObject({ reason: expect.stringContaining('the number of') });
    expect(judge('1.5.0', withModel(PARENT), ['1.4.2', '1.5.0'])).toMatchObject({
      reason: 'tiny-detector:1.5.0 is taken → this must be 1.6.0',
    });
  });

  it('takes a repair of an old line while newer ones exist', () => {
    expect(judge('1.4.3', { ...PARENT, changelog: 'x' }, ['1.4.2', '2.0.0'])).toMatchObject({
      ok: true,
      bump: 'patch',
    });
  });

  it('takes any number for the first of a name', () => {
    expect(judgeVersion({ candidate: manifest('0.3.1'), parent: null, existing: [] })).toMatchObject({ ok: true });
  });

  it('always accepts what nextVersion proposes, and never anything at or below the parent', () => {
    const version = fc.record({ major: fc.nat(5), minor: fc.nat(5), patch: fc.nat(5) }).map(formatVersion);
    const changed = fc.constantFrom(PARENT, withModel(PARENT), { ...PARENT, labels: labels('a', 'b') });
    fc.assert(
      fc.property(version, version, changed, fc.array(version), (parentVersion, other, base, existing) => {
        const parent = { ...PARENT, version: parentVersion };
        const proposed = nextVersion({ candidate: base, parent, existing }).version;
        expect(judgeVersion({ candidate: { ...base, version: proposed }, parent, existing }).ok).toBe(true);
        const verdict = judgeVersion({ candidate: { ...base, version: other }, parent, existing });
        const [a, b] = [parseVersion(other), parseVersion(parentVersion)];
        if (a && b && compareVersions(a, b) <= 0) expect(verdict.ok).toBe(false);
      }),
    );
  });
});
