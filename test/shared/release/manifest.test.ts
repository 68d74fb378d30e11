// The manifest: what a release must say about itself, and the mistakes that are named.
import { describe, expect, it } from 'vitest';
import { parseValue } from '../../../shared/basics/parsing.ts';
import { manifestSchema, releaseIdOf } from '../../../shared/release/manifest.ts';
import { modelFile } from '../../../shared/release/model-file.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';

function problems(change: (manifest: Record<string, unknown>) => void): readonly string[] {
  const document = structuredClone(tinyPackage().manifest);
  change(document);
  const parsed = parseValue(manifestSchema, document);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a manifest', () => {
  it('fills in what may be left out, and keeps what it does not know', () => {
    const { parsed } = tinyPackage({
      change: (manifest) => {
        manifest.team = { slack: 'none' };
      },
    });
    expect(parsed).toMatchObject({ limits: { memoryMb: 400 }, warmup: { runs: 2 }, team: { slack: 'none' } });
    expect(modelFile(parsed).path).toBe('model.onnx');
    expect(releaseIdOf(parsed)).toEqual({ name: 'tiny-detector', version: '1.0.0', dataTag: 'test0' });
  });

  it('read twice is the same: its digest does not depend on who read it', () => {
    const { parsed } = tinyPackage();
    expect(manifestSchema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  it('wants exactly one model', () => {
    const found = problems((manifest) => {
      manifest.files = (manifest.files as object[]).map((file) => ({ ...file, role: 'golden' }));
    });
    expect(found).toEqual(['files: exactly one file must have the role "model"']);
  });

  it('wants its golden files among its files', () => {
    const found = problems((manifest) => {
      manifest.golden = { frames: 'nowhere.bin', expect: 'golden/expect.json', tolerance: {} };
    });
    expect(found).toEqual(['golden.frames: "nowhere.bin" is not among files']);
  });

  it('wants labels numbered in order, each once', () => {
    const found = problems((manifest) => {
      manifest.labels = [
        { id: 1, name: 'scratch' },
        { id: 1, name: 'scratch' },
      ];
    });
    expect(found).toEqual([
      "labels.0.id: must be 0: ids are the model's class numbers, in order",
      'labels: two labels have the same name',
    ]);
  });

  it('wants the decoder of its task', () => {
    const found = problems((manifest) => {
      manifest.task = 'segmentation';
    });
    expect(found).toEqual(['postprocess.type: must be "segmentation", the task of the release']);
  });

  it.each(['../etc/passwd', '/etc/passwd', 'a/../../b', 'a//b', 'a/./b', 'a/', 'a\\b', 'a\u0000b', 'é', ''])(
    'refuses the path %j',
    (path) => {
      const found = problems((manifest) => {
        manifest.files = (manifest.files as object[]).map((file, index) => (index === 0 ? { ...file, path } : file));
      });
      expect(found).toContain('files.0.path: must be a relative path inside the package');
    },
  );

  it('wants its own place for itself', () => {
    const found = problems((manifest) => {
      manifest.files = (manifest.files as object[]).map((file, i) =>
        i === 0 ? { ...file, path: 'manifest.json' } : file,
      );
    });
    expect(found).toContain('files.0.path: is the place of the manifest itself');
  });
});
