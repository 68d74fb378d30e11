// Where an installed release lies: a folder `releases/<digest>/` with its manifest and hard links into
// `artifacts/<sha256>`. It appears in one step, whole, or not at all.
import { createHash } from 'node:crypto';
import { link, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseJson } from '../../shared/basics/parsing.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { type Manifest, manifestSchema, releaseIdOf } from '../../shared/release/manifest.ts';
import type { ReleaseRef } from '../core/state.ts';
import { makeFolder, removeAll, sizeOf, syncFolder, writeWhole } from './files.ts';

export type Installed = {
  readonly ref: ReleaseRef;
  readonly manifest: Manifest;
  /** Holds the files of the manifest by their `path`. */
  readonly packageDir: string;
};

export type Places = { readonly root: string; readonly releases: string; readonly artifacts: string };

export function placesIn(dataDir: string): Places {
  return { root: dataDir, releases: join(dataDir, 'releases'), artifacts: join(dataDir, 'artifacts') };
}

/** Files that cannot be read are not there: whoever asks has somewhere else to turn. */
export async function readInstalled(places: Places, digest: string): Promise<Installed | null> {
  return readWhole(places, digest).catch(() => null);
}

async function readWhole(places: Places, digest: string): Promise<Installed | null> {
  const packageDir = join(places.releases, digest);
  const bytes = await readFile(join(packageDir, 'manifest.json'));
  if (sha256(bytes) !== digest) return null;
  const parsed = parseJson(manifestSchema, bytes);
  if (!parsed.ok) return null;
  for (const file of parsed.value.files) {
    if ((await sizeOf(join(packageDir, file.path))) !== file.bytes) return null;
  }
  return installedOf(parsed.value, digest, packageDir);
}

/** Links the files into a new release folder and moves it into place in one step. */
export async function assemble(
  places: Places,
  digest: string,
  manifest: Manifest,
  bytes: Uint8Array,
): Promise<Installed> {
  const packageDir = join(places.releases, digest);
  const staging = `${packageDir}.part`;
  await removeAll(staging);
  await makeFolder(staging);
  for (const file of manifest.files) {
    const path = join(staging, file.path);
    await makeFolder(dirname(path));
    await link(join(places.artifacts, file.sha256), path);
  }
  // Every folder of the package before the rename makes it a release: after a power cut it is whole or absent.
  for (const folder of new Set(manifest.files.map((file) => dirname(join(staging, file.path)))))
    await syncFolder(folder);
  await writeWhole(join(staging, 'manifest.json'), bytes);
  await removeAll(packageDir);
  await rename(staging, packageDir);
  await syncFolder(places.releases);
  return installedOf(manifest, digest, packageDir);
}

function installedOf(manifest: Manifest, digest: string, packageDir: string): Installed {
  return { ref: { release: formatReleaseId(releaseIdOf(manifest)), digest }, manifest, packageDir };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
