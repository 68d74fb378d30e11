// The door of the room: releases on this device's disk, content-addressed. A release is a folder
// `releases/<digest>/` with its manifest and hard links into `artifacts/<sha256>`; nothing here is ever loaded.
import { createHash } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { type Manifest, manifestSchema, releaseIdOf } from '../../shared/release/manifest.ts';
import type { ReleaseRef } from '../core/state.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type DownloadParts, download, downloadBytes, type Failure, final, transient } from './download.ts';
import { freeBytes, isDiskFull, makeFolder, removeAll, sha256OfFile, sizeOf, syncFolder, writeWhole } from './files.ts';

/** Kept free beside any download, for the spool and everybody else on the box. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;

export type Installed = {
  readonly ref: ReleaseRef;
  readonly manifest: Manifest;
  /** Holds the files of the manifest by their `path`. */
  readonly packageDir: string;
};

export type InstallResult = { readonly kind: 'installed'; readonly release: Installed } | Failure;

export type ArtifactsOptions = {
  readonly dataDir: string;
  /** Null: this device has no registry to fetch from. */
  readonly apiUrl: string | null;
  readonly random?: () => number;
  readonly wait?: DownloadParts['wait'];
};

export type Artifacts = {
  /** What is installed whole (manifest by digest, files by size); null otherwise. Never asks the network. */
  readonly readInstalled: (digest: string) => Promise<Installed | null>;
  /** Installs a release by its digest, resuming what is there. Expected failures are values. */
  readonly fetch: (digest: string, signal: AbortSignal) => Promise<InstallResult>;
  /**
   * Copies a package folder (manifest.json beside its files) in; every byte is checked. Throws ArtifactsError.
   * The folder is remembered: it is where this release comes from again when its installed files turn out to be damaged.
   */
  readonly importPackage: (folder: string) => Promise<Installed>;
  /**
   * Re-hashes an installed release and drops the files that are wrong, so that the next fetch brings them anew. Never
   * throws: on a disk that refuses they stay, and the check of every load refuses them again.
   */
  readonly discardDamaged: (digest: string) => Promise<void>;
  /** Removes every release but these, and the artifacts nobody links to. */
  readonly collectGarbage: (keep: readonly string[]) => Promise<void>;
};

/** Codes: `factory-package` (missing, malformed, or its bytes are not what its manifest says). */
export class ArtifactsError extends BelayError {}

export function openArtifacts(options: ArtifactsOptions): Artifacts {
  const places = placesIn(options.dataDir);
  const random = options.random ?? Math.random;
  const wait = options.wait ?? waitQuietly;
  const imported = new Map<string, string>();
  return {
    readInstalled: (digest) => readInstalled(places, digest),
    fetch: (digest, signal) =>
      fetchRelease({ places, apiUrl: options.apiUrl, parts: { signal, random, wait } }, digest),
    importPackage: async (folder) => {
      const installed = await importPackage(places, folder);
      imported.set(installed.ref.digest, folder);
      return installed;
    },
    discardDamaged: async (digest) => {
      const folder = imported.get(digest);
      // What cannot be dropped or copied now is found again at the next load.
      await discardDamaged(places, digest).catch(() => undefined);
      if (folder !== undefined) await importPackage(places, folder).catch(() => undefined);
    },
    collectGarbage: (keep) => collectGarbage(places, keep),
  };
}

export type Places = { readonly root: string; readonly releases: string; readonly artifacts: string };

function placesIn(dataDir: string): Places {
  return { root: dataDir, releases: join(dataDir, 'releases'), artifacts: join(dataDir, 'artifacts') };
}

/** Files that cannot be read are not there: whoever asks has somewhere else to turn. */
async function readInstalled(places: Places, digest: string): Promise<Installed | null> {
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

type Fetching = { readonly places: Places; readonly apiUrl: string | null; readonly parts: DownloadParts };

async function fetchRelease(from: Fetching, digest: string): Promise<InstallResult> {
  try {
    const installed = await readInstalled(from.places, digest);
    if (installed) return { kind: 'installed', release: installed };
    if (from.apiUrl === null) return final('this device has no registry to fetch from', 'unknown-release');
    return await fetchFrom(from.apiUrl, from, digest);
  } catch (error) {
    const failure = isDiskFull(error) ? 'disk-full' : undefined;
    return transient(`installing ${digest.slice(0, 12)}: ${describeError(error)}`, failure);
  }
}

async function fetchFrom(apiUrl: string, from: Fetching, digest: string): Promise<InstallResult> {
  const { places, parts } = from;
  const url = `${apiUrl}/v1/manifests/${digest}`;
  const got = await downloadBytes(url, parts);
  if (got.kind === 'failed') return got;
  if (sha256(got.bytes) !== digest) return final(`${url}: its SHA-256 is ${sha256(got.bytes)}`, 'wrong-digest');
  const parsed = parseJson(manifestSchema, got.bytes);
  if (!parsed.ok) return final(`${url}: ${describeProblems(parsed.problems.slice(0, 5))}`, 'bad-manifest');
  const full = await spaceFor(places, parsed.value);
  if (full) return full;
  for (const file of parsed.value.files) {
    const path = join(places.artifacts, file.sha256);
    if ((await sizeOf(path)) === file.bytes) continue;
    const { sha256: hash, bytes } = file;
    const result = await download({ url: `${apiUrl}/v1/artifacts/${hash}`, path, sha256: hash, bytes }, parts);
    if (result.kind === 'failed') return result;
  }
  return { kind: 'installed', release: await assemble(places, digest, parsed.value, got.bytes) };
}

/** Refuses before the first byte when the disk could not hold all of it. */
async function spaceFor(places: Places, manifest: Manifest): Promise<Failure | null> {
  await makeFolder(places.artifacts);
  let needed = 0;
  for (const file of manifest.files) {
    if ((await sizeOf(join(places.artifacts, file.sha256))) !== file.bytes) needed += file.bytes;
  }
  const free = await freeBytes(places.artifacts);
  if (free >= needed + FREE_BYTES_MIN) return null;
  return transient(`${needed} bytes are needed and ${FREE_BYTES_MIN} must stay free, ${free} are free`, 'disk-full');
}

/** Links the files into a new release folder and moves it into place in one step. */
async function assemble(places: Places, digest: string, manifest: Manifest, bytes: Uint8Array): Promise<Installed> {
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

async function importPackage(places: Places, folder: string): Promise<Installed> {
  try {
    const raw: unknown = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    const bytes = Buffer.from(canonicalJson(raw));
    const digest = sha256(bytes);
    const installed = await readInstalled(places, digest);
    if (installed) return installed;
    const parsed = parseJson(manifestSchema, bytes);
    if (!parsed.ok) throw new Error(`its manifest: ${describeProblems(parsed.problems.slice(0, 5))}`);
    await makeFolder(places.artifacts);
    for (const file of parsed.value.files) await importFile(places, join(folder, file.path), file);
    return await assemble(places, digest, parsed.value, bytes);
  } catch (error) {
    const remedy = isDiskFull(error) ? `free some space under ${places.root}` : 'put a whole package there';
    const message = `importing the factory package ${folder}: ${describeError(error)}; ${remedy}`;
    throw new ArtifactsError('factory-package', message, { cause: error });
  }
}

async function importFile(places: Places, from: string, file: { sha256: string; bytes: number }): Promise<void> {
  const path = join(places.artifacts, file.sha256);
  if ((await sizeOf(path)) === file.bytes) return;
  const bytes = await readFile(from);
  if (sha256(bytes) !== file.sha256) throw new Error(`${from} is not the file of the manifest (SHA-256 differs)`);
  await writeWhole(path, bytes);
}

async function discardDamaged(places: Places, digest: string): Promise<void> {
  const packageDir = join(places.releases, digest);
  const installed = await readInstalled(places, digest);
  let isDamaged = installed === null;
  for (const file of installed?.manifest.files ?? []) {
    if ((await sha256OfFile(join(packageDir, file.path))) === file.sha256) continue;
    isDamaged = true;
    await rm(join(places.artifacts, file.sha256), { force: true });
  }
  if (isDamaged) await removeAll(packageDir);
}

function installedOf(manifest: Manifest, digest: string, packageDir: string): Installed {
  return { ref: { release: formatReleaseId(releaseIdOf(manifest)), digest }, manifest, packageDir };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function waitQuietly(ms: number, signal: AbortSignal): Promise<void> {
  // Cancelling ends the wait; the caller looks at the signal itself.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
