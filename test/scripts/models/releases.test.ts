// The committed releases: valid manifests, honest digests, golden sets with enough small cracks, and the traps in place.
import { describe, expect, it } from 'vitest';
import { CATALOGUE, modelNameOf } from '../../../scripts/models/catalogue.ts';
import { readGolden } from '../../../scripts/models/golden-expectation.ts';
import { RELEASES_DIR, readRelease, readReleaseFile, sha256Of } from '../../../scripts/models/release-store.ts';
import { goldenExpectationSchema } from '../../../shared/release/golden.ts';
import type { Manifest } from '../../../shared/release/manifest.ts';
import { modelFile } from '../../../shared/release/model-file.ts';

const MODEL_BYTES_MAX = 1_000_000;
const GOLDEN_BYTES_MAX = 1_500_000;

const manifestOf = (folder: string): Manifest => readRelease(folder).manifest;

function metric(folder: string, wanted: { metric: string; class?: string; size?: string }): number {
  const found = manifestOf(folder).metrics.values.find(
    (one) => one.metric === wanted.metric && one.class === wanted.class && one.size === wanted.size,
  );
  if (found === undefined) throw new RangeError(`${folder} has no ${JSON.stringify(wanted)}`);
  return found.value;
}

const map50 = (folder: string) => metric(folder, { metric: 'map50' });
const smallCrackRecall = (folder: string) => metric(folder, { metric: 'recall', class: 'micro-crack', size: 'small' });
const falseAlarms = (folder: string) => metric(folder, { metric: 'false-positives-per-1k' });

describe.each(CATALOGUE.map((entry) => entry.folder))('%s', (folder) => {
  it('has a valid manifest whose files are the committed ones', () => {
    const manifest = manifestOf(folder);
    for (const file of manifest.files) {
      const bytes = readReleaseFile(folder, file.path);
      expect({ path: file.path, bytes: bytes.length, sha256: sha256Of(bytes) }).toEqual({
        path: file.path,
        bytes: file.bytes,
        sha256: file.sha256,
      });
    }
    expect(modelFile(manifest).bytes).toBeLessThan(MODEL_BYTES_MAX);
    expect(manifest.metrics.note).toContain('synthetic');
    expect(manifest.provenance.codeCommit).toMatch(/^[0-9a-f]{40}$/);
  });

  it('carries reference answers of its own', () => {
    const text = new TextDecoder().decode(readReleaseFile(folder, 'golden/expect.json'));
    const expectation = goldenExpectationSchema.parse(JSON.parse(text));
    expect(expectation.answers.length).toBeGreaterThanOrEqual(8);
  });
});

describe('golden sets', () => {
  it.each(['cv-detector', 'seg'])('of %s hold enough small cracks and some sound parts', (name) => {
    const folder = CATALOGUE.find((entry) => modelNameOf(entry) === name)?.folder ?? '';
    const { frames } = readGolden(folder, RELEASES_DIR).index;
    const objects = frames.flatMap((frame) => frame.objects);
    const small = objects.filter((one) => one.label === 'micro-crack' && one.size === 'small' && one.visible >= 0.5);
    expect(small.length).toBeGreaterThanOrEqual(20);
    expect(frames.filter((frame) => frame.objects.length === 0).length).toBeGreaterThanOrEqual(5);
    expect(new Set(objects.map((one) => one.label)).size).toBe(4);
    expect(readReleaseFile(folder, 'golden/frames.bin').length).toBeLessThan(GOLDEN_BYTES_MAX);
  });

  it('of the segmenter label pixels, inside the boxes of the objects', () => {
    const { frames } = readGolden('seg/1.5.0', RELEASES_DIR).index;
    for (const { mask, objects } of frames) {
      expect(mask).toMatchObject({ width: 256, height: 256 });
      expect(new Set(mask?.regions.map(({ label }) => label))).toEqual(new Set(objects.map(({ label }) => label)));
    }
    expect(readGolden('cv-detector/2.0.0', RELEASES_DIR).index.frames.every(({ mask }) => mask === undefined)).toBe(
      true,
    );
  });

  it('of the lot reader holds texts', () => {
    const { frames } = readGolden('lot-reader/1.0.0', RELEASES_DIR).index;
    expect(frames.length).toBeGreaterThanOrEqual(40);
    expect(frames.every((frame) => /^[A-Z]\d-[A-Z\d]{5}$/.test(frame.text ?? ''))).toBe(true);
  });
});

describe('the family', () => {
  it('2.0.0 is clearly better than 1.8.2 at the same size', () => {
    expect(map50('cv-detector/2.0.0') - map50('cv-detector/1.8.2')).toBeGreaterThan(0.1);
    expect(smallCrackRecall('cv-detector/2.0.0') - smallCrackRecall('cv-detector/1.8.2')).toBeGreaterThan(0.1);
    expect(modelFile(manifestOf('cv-detector/2.0.0')).bytes).toBe(modelFile(manifestOf('cv-detector/1.8.2')).bytes);
  });

  it('2.1.0 hides the loss of small cracks behind its mAP', () => {
    expect(map50('cv-detector/2.0.0') - map50('cv-detector/2.1.0')).toBeLessThan(0.035);
    expect(smallCrackRecall('cv-detector/2.0.0') - smallCrackRecall('cv-detector/2.1.0')).toBeGreaterThan(0.3);
  });

  it('2.2.0 hides false alarms behind its mAP', () => {
    expect(Math.abs(map50('cv-detector/2.0.0') - map50('cv-detector/2.2.0'))).toBeLessThan(0.025);
    expect(falseAlarms('cv-detector/2.2.0') / falseAlarms('cv-detector/2.0.0')).toBeGreaterThan(2);
  });

  it('the strict segmenter trades cracks for fewer false alarms, with the same model', () => {
    expect(modelFile(manifestOf('seg/1.4.4')).sha256).toBe(modelFile(manifestOf('seg/1.4.3')).sha256);
    expect(falseAlarms('seg/1.4.4')).toBeLessThan(falseAlarms('seg/1.4.3') / 2);
    expect(smallCrackRecall('seg/1.4.4')).toBeLessThan(smallCrackRecall('seg/1.4.3'));
  });

  it('2.0.1 changes the label order without saying so, 3.0.0 says so', () => {
    const labels = (folder: string) => manifestOf(folder).labels.map((label) => label.name);
    expect(labels('cv-detector/2.0.1-mislabelled')).toEqual(labels('cv-detector/2.0.0').toReversed());
    expect(manifestOf('cv-detector/2.0.1-mislabelled')).toMatchObject({ version: '2.0.1' });
    expect(manifestOf('cv-detector/2.0.1-mislabelled').compat?.labelMap).toBeUndefined();
    expect(labels('cv-detector/3.0.0')).toEqual(labels('cv-detector/2.0.1-mislabelled'));
    expect(manifestOf('cv-detector/3.0.0').compat?.labelMap).toBeDefined();
  });
});
