// What comes with a release: its manifest, labels among them, its golden set and the reference answers. Damaged or hostile, it
// is not installed, or its proof fails; nothing throws, and no path leads out of the package.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, normalize } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactsError, openArtifacts } from '../../../agent/artifacts/artifacts.ts';
import { placesIn, readInstalled, sha256 } from '../../../agent/artifacts/release-folder.ts';
import { compareReference } from '../../../agent/core/proof.ts';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import { parseJson } from '../../../shared/basics/parsing.ts';
import { goldenExpectationSchema, packGoldenSet, readGoldenSet } from '../../../shared/release/golden.ts';
import { manifestSchema } from '../../../shared/release/manifest.ts';
import { OnnxFileError, readOnnxFile } from '../../../shared/release/onnx-file.ts';
import { buildRelease } from '../artifacts/release-builder.ts';
import { damaged, damagedJson, deepText, MANY } from './mutations.ts';

const RELEASE = buildRelease('1.0.0', 1000);

let folder = '';
beforeAll(() => {
  // In memory where there is such a folder: thousands of small writes are not what this is about.
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'belay-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a manifest', () => {
  it('that is taken leads nowhere out of its package', () => {
    fc.assert(
      fc.property(damagedJson(RELEASE.manifest), (bytes) => {
        const parsed = parseJson(manifestSchema, bytes);
        if (!parsed.ok) {
          expect(parsed.problems.length).toBeGreaterThan(0);
          return;
        }
        for (const { path } of parsed.value.files) {
          expect(isAbsolute(path)).toBe(false);
          expect(normalize(path)).toBe(path);
          expect(path.startsWith('..')).toBe(false);
        }
      }),
      MANY,
    );
  });

  it('that lies on disk under a digest that is not its own is not installed', async () => {
    const places = placesIn(folder);
    const home = join(places.releases, RELEASE.digest);
    mkdirSync(join(home, 'golden'), { recursive: true });
    for (const [path, bytes] of RELEASE.files) writeFileSync(join(home, path), bytes);
    await fc.assert(
      fc.asyncProperty(damagedJson(RELEASE.manifest), async (bytes) => {
        writeFileSync(join(home, 'manifest.json'), bytes);
        const installed = await readInstalled(places, RELEASE.digest);
        if (installed !== null) expect(sha256(bytes)).toBe(RELEASE.digest);
        // Under its own digest it is installed only when it is a manifest, and its files are all there.
        const own = sha256(bytes);
        expect(await readInstalled({ ...places, releases: join(folder, 'none') }, own)).toBeNull();
      }),
      { numRuns: 500 },
    );
    writeFileSync(join(home, 'manifest.json'), RELEASE.manifestBytes);
    expect(await readInstalled(places, RELEASE.digest)).not.toBeNull();
  });

  it('of a factory package is an ArtifactsError or an installed release', async () => {
    const factory = join(folder, 'factory');
    mkdirSync(join(factory, 'golden'), { recursive: true });
    for (const [path, bytes] of RELEASE.files) writeFileSync(join(factory, path), bytes);
    const artifacts = openArtifacts({
      dataDir: join(folder, 'data'),
      apiUrl: null,
      device: 'device-1',
      monotonicNow: () => 0,
      wallNow: () => 0,
    });
    const texts = fc.oneof(
      { weight: 9, arbitrary: damagedJson(RELEASE.manifest) },
      { weight: 1, arbitrary: fc.constant(Buffer.from(deepText(100_000))) },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (bytes) => {
        writeFileSync(join(factory, 'manifest.json'), bytes);
        const imported = await artifacts.importPackage(factory).catch((error: unknown) => error);
        if (imported instanceof Error) expect(imported).toBeInstanceOf(ArtifactsError);
        else
          expect(imported).toMatchObject({
            ref: { digest: sha256(Buffer.from(canonicalJson(JSON.parse(Buffer.from(bytes).toString())))) },
          });
      }),
      { numRuns: 150 },
    );
  });
});

const PICTURES = ['one', 'two', 'three'].map((name) => ({
  picture: new Uint8Array(Buffer.from(`picture ${name}`)),
  format: 'png' as const,
  objects: [
    { label: 'dent', box: [1, 2, 3, 4] as [number, number, number, number], size: 'small' as const, visible: 1 },
  ],
}));
const GOLDEN = packGoldenSet('set', PICTURES);

describe('a golden set', () => {
  it('that is damaged is refused, or gives pictures that lie inside its file', () => {
    fc.assert(
      fc.property(damaged(GOLDEN), (bytes) => {
        const parsed = readGoldenSet(bytes);
        if (!parsed.ok) {
          expect(parsed.problems[0]?.message.length).toBeGreaterThan(0);
          return;
        }
        const { index, picture } = parsed.value;
        for (const [at, frame] of index.frames.entries()) expect(picture(at).byteLength).toBe(frame.bytes);
      }),
      { numRuns: 5000 },
    );
  });

  it('whose reference answers are damaged does not prove a release', () => {
    const answers = Array.from({ length: 3 }, () => ({
      task: 'detection',
      detections: [{ classId: 0, label: 'dent', score: 0.9, box: [1, 2, 3, 4] }],
    }));
    const tolerance = RELEASE.manifest.golden.tolerance;
    fc.assert(
      fc.property(damagedJson({ schema: 'belay.golden-expectation/1', answers }), (bytes) => {
        const parsed = parseJson(goldenExpectationSchema, bytes);
        if (!parsed.ok) return;
        // A runner that answers nothing at all never proves itself against answers that hold something.
        const empty = parsed.value.answers.map(() => ({ task: 'detection' as const, detections: [] }));
        const wanted = parsed.value.answers.some(
          (answer) => answer.task === 'detection' && answer.detections.some(({ score }) => score >= 0.5),
        );
        if (wanted) expect(compareReference(empty, parsed.value.answers, tolerance, 0.25).passed).toBe(false);
      }),
      { numRuns: 700 },
    );
  });
});

describe('a model file', () => {
  it('of any bytes is facts or an OnnxFileError, in time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const startMs = performance.now();
        try {
          readOnnxFile(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(OnnxFileError);
        }
        expect(performance.now() - startMs).toBeLessThan(500);
      }),
      { numRuns: 5000 },
    );
  });
});
