// Brings a release here by its digest: from the site cache when there is one, else from the control plane. Nothing is
// believed that does not hash to what was asked for, so that it does not matter who has sent it.
import { join } from 'node:path';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { type DownloadParts, download, downloadBytes, type Failure, final, transient } from './download.ts';
import { freeBytes, isDiskFull, makeFolder, sizeOf } from './files.ts';
import { type Pace, UNPACED } from './pace.ts';
import { assemble, type Installed, type Places, readInstalled, sha256 } from './release-folder.ts';

/** Kept free beside any download, for the spool and everybody else on the box. */
export const FREE_BYTES_MIN = 64 * 1024 * 1024;

export type InstallResult = { readonly kind: 'installed'; readonly release: Installed } | Failure;

/** Somebody who may have it. */
export type Source = {
  readonly url: string;
  readonly isCache: boolean;
  /** Who asks it, as the header says it. */
  readonly authorization?: string | undefined;
};

export type Fetching = {
  readonly places: Places;
  /** In the order in which they are asked; the last one's word is final. Empty: nobody to fetch from. */
  readonly sources: readonly Source[];
  /** Of the control plane; a cache on the local network is not limited. */
  readonly pace: Pace;
  readonly parts: Omit<DownloadParts, 'pace' | 'authorization'>;
  /** Before the first byte of a release that is not here. */
  readonly admit: () => Promise<void>;
  /** Before the first of its files: whoever does not want that aborts the signal. */
  readonly onManifest?: ((manifest: Manifest) => void) | undefined;
};

/** Installs a release, resuming what is there. Expected failures are values. */
export async function fetchRelease(from: Fetching, digest: string): Promise<InstallResult> {
  try {
    const installed = await readInstalled(from.places, digest);
    if (installed) return { kind: 'installed', release: installed };
    if (from.sources.length === 0) return final('this device has no registry to fetch from', 'unknown-release');
    await from.admit();
    return await fetchFrom(from, digest);
  } catch (error) {
    const failure = isDiskFull(error) ? 'disk-full' : undefined;
    return transient(`installing ${digest.slice(0, 12)}: ${describeError(error)}`, failure);
  }
}

async function fetchFrom(from: Fetching, digest: string): Promise<InstallResult> {
  const { places } = from;
  const sources = [...from.sources];
  const got = await firstOf(from, sources, (source, parts) => fetchManifest(source, digest, parts));
  if (got.kind === 'failed') return got;
  const { manifest, bytes } = got;
  from.onManifest?.(manifest);
  if (from.parts.signal.aborted) return transient(`installing ${digest.slice(0, 12)}: it is not wanted any more`);
  const full = await spaceFor(places, manifest);
  if (full) return full;
  for (const file of manifest.files) {
    const path = join(places.artifacts, file.sha256);
    if ((await sizeOf(path)) === file.bytes) continue;
    const result = await firstOf(from, sources, ({ url }, parts) => {
      return download(
        { url: `${url}/v1/artifacts/${file.sha256}`, path, sha256: file.sha256, bytes: file.bytes },
        parts,
      );
    });
    if (result.kind === 'failed') return result;
  }
  return { kind: 'installed', release: await assemble(places, digest, manifest, bytes) };
}

/** Asks one source after the other. What a cache refuses, or has wrong, says nothing about the release; it is left out then. */
async function firstOf<T extends { readonly kind: string }>(
  { pace, parts }: Fetching,
  sources: Source[],
  ask: (source: Source, parts: DownloadParts) => Promise<T | Failure>,
): Promise<T | Failure> {
  for (;;) {
    const [source] = sources;
    if (source === undefined) return transient('nobody is left to ask');
    const { isCache, authorization } = source;
    const got = await ask(source, { ...parts, authorization, pace: isCache ? UNPACED : pace });
    const isLast = got.kind !== 'failed' || sources.length === 1 || parts.signal.aborted;
    // A full disk is as full with the next one.
    if (isLast || ('failure' in got && got.failure === 'disk-full')) return got;
    sources.shift();
  }
}

type GotManifest = { readonly kind: 'manifest'; readonly manifest: Manifest; readonly bytes: Uint8Array };

/** The manifest of this digest from this source, checked. */
export async function fetchManifest(
  source: Pick<Source, 'url'>,
  digest: string,
  parts: DownloadParts,
): Promise<GotManifest | Failure> {
  const url = `${source.url}/v1/manifests/${digest}`;
  const got = await downloadBytes(url, parts);
  if (got.kind === 'failed') return got;
  const { bytes } = got;
  if (sha256(bytes) !== digest) return final(`${url}: its SHA-256 is ${sha256(bytes)}`, 'wrong-digest');
  const parsed = parseJson(manifestSchema, bytes);
  if (!parsed.ok) return final(`${url}: ${describeProblems(parsed.problems.slice(0, 5))}`, 'bad-manifest');
  return { kind: 'manifest', manifest: parsed.value, bytes };
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
