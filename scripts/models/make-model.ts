// Bytes of a release's model from the releases it is made of. Trained models are looked up, all others are rewritten
// from them in milliseconds, so that verification can make them again and compare digests.
import type { CatalogueEntry, Source } from './catalogue.ts';
import { averageOverFlips, permuteClasses, withMetadata } from './derive.ts';
import type { Model } from './onnx/model.ts';
import { readModel } from './onnx/reader.ts';
import { writeModel } from './onnx/writer.ts';
import { quantise, type Range } from './quantise.ts';

export type ModelSources = {
  /** Model bytes of a catalogue folder that was made before. */
  readonly modelOf: (folder: string) => Uint8Array;
  /** Pinned calibration ranges of a quantised release. */
  readonly rangesOf: (folder: string) => ReadonlyMap<string, Range>;
};

type DerivedSource = Exclude<Source, { kind: 'trained' }>;

/** Throws for trained releases: those come from training only. */
export function deriveModel(entry: CatalogueEntry, sources: ModelSources): Uint8Array {
  const { source } = entry;
  if (source.kind === 'trained') throw new RangeError(`${entry.folder} is trained, it cannot be derived`);
  const bytes = sources.modelOf(source.of);
  if (source.kind === 'same-model') return bytes;
  return writeModel(rewrite(readModel(bytes), { ...entry, source }, sources));
}

function rewrite(model: Model, entry: CatalogueEntry & { source: DerivedSource }, sources: ModelSources): Model {
  const { source, version } = entry;
  switch (source.kind) {
    case 'permuted':
      return withMetadata(permuteClasses(model, source.order), { version, names: JSON.stringify(entry.labels) });
    case 'flips-averaged':
      return withMetadata(averageOverFlips(model), { version });
    case 'quantised':
      return withMetadata(quantise(model, sources.rangesOf(entry.folder)), { version });
    case 'same-model':
      return model;
  }
}

/**
 * The truly silent fault, for tests: weights in another class order under unchanged labels. No manifest rule can see it,
 * only golden frames can.
 */
export function silentlyPermuted(model: Uint8Array): Uint8Array {
  return writeModel(permuteClasses(readModel(model), [3, 2, 1, 0]));
}
