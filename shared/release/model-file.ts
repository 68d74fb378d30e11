// The model among the files of a manifest. Apart from the schemas: a runner needs it, and starts a third faster without them.
import type { Manifest, ManifestFile } from './manifest.ts';

/** The one file of a manifest with role `model`. */
export function modelFile(manifest: Manifest): ManifestFile {
  const file = manifest.files.find((candidate) => candidate.role === 'model');
  if (!file) throw new TypeError('a parsed manifest always has a model file');
  return file;
}
