// A release of the model factory as one complete folder, as it is handed to a device or to `belay release add`.
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readRelease, releaseFilePath } from '../models/release-store.ts';

/** Copies manifest and files of `release` (such as `cv-detector/1.8.2`) into `folder`; gives the folder. */
export async function assemblePackage(release: string, folder: string): Promise<string> {
  const stored = readRelease(release);
  for (const name of ['manifest.json', ...stored.manifest.files.map((file) => file.path)]) {
    const to = path.join(folder, name);
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(releaseFilePath(release, name), to);
  }
  return folder;
}
