// The door of the room: releases on this device's disk, content-addressed (release-folder.ts). Fetched by digest,
// imported from a package folder, dropped when damaged; nothing here is ever loaded.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { DownloadParts } from './download.ts';
import { DEFAULT_DOWNLOAD_OPTIONS, type DownloadOptions } from './download-options.ts';
import { fetchRelease, type InstallResult, type Source } from './fetch-release.ts';
import { isDiskFull, makeFolder, removeAll, sha256OfFile, sizeOf, writeWhole } from './files.ts';
import { admissionDelayMs, openPace } from './pace.ts';
import { assemble, type Installed, type Places, placesIn, readInstalled, sha256 } from './release-folder.ts';

export type ArtifactsOptions = {
  readonly dataDir: string;
  /** Null: this device has no registry to fetch from. */
  readonly apiUrl: string | null;
  /** Who asks there, as the header says it; the site cache is not told. */
  readonly authorization?: string | undefined;
  /** Spreads the downloads of a site: each device has a moment of its own. */
  readonly device: string;
  readonly download?: DownloadOptions;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly random?: () => number;
  readonly wait?: DownloadParts['wait'];
};

export type Artifacts = {
  /** What is installed whole (manifest by digest, files by size); null otherwise. Never asks the network. */
  readonly readInstalled: (digest: string) => Promise<Installed | null>;
  /** Installs a release by its digest, resuming what is there. Expected failures are values. */
  readonly fetch: (
    digest: string,
    signal: AbortSignal,
    onManifest?: (manifest: Manifest) => void,
  ) => Promise<InstallResult>;
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

export { FREE_BYTES_MIN } from './fetch-release.ts';
export type { Installed } from './release-folder.ts';

/** Codes: `factory-package` (missing, malformed, or its bytes are not what its manifest says). */
export class ArtifactsError extends BelayError {}

export function openArtifacts(options: ArtifactsOptions): Artifacts {
  const places = placesIn(options.dataDir);
  const fetch = openFetching(places, options);
  const imported = new Map<string, string>();
  return {
    readInstalled: (digest) => readInstalled(places, digest),
    fetch,
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

function openFetching(places: Places, options: ArtifactsOptions): Artifacts['fetch'] {
  const { apiUrl, authorization, device, download = DEFAULT_DOWNLOAD_OPTIONS, monotonicNow, wallNow } = options;
  const { random = Math.random, wait = waitQuietly } = options;
  const path = join(places.root, 'download-budget.json');
  const pace = openPace({ options: download, path, monotonicNow, wallNow, wait });
  const sources: Source[] = apiUrl === null ? [] : [{ url: apiUrl, isCache: false, authorization }];
  if (download.siteCacheUrl !== null) sources.unshift({ url: download.siteCacheUrl, isCache: true });
  const admitted = new Set<string>();
  return (digest, signal, onManifest) => {
    const admit = async (): Promise<void> => {
      const delayMs = admitted.has(digest) ? 0 : admissionDelayMs(device, digest, download.spreadMs);
      if (delayMs > 0) await wait(delayMs, signal);
      admitted.add(digest);
    };
    return fetchRelease({ places, sources, pace, parts: { signal, random, wait }, admit, onManifest }, digest);
  };
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

async function waitQuietly(ms: number, signal: AbortSignal): Promise<void> {
  // Cancelling ends the wait; the caller looks at the signal itself.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
