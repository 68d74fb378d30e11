// What a site cache keeps: manifests and artifacts by their SHA-256, fetched once from upstream for all devices of a site.
// It knows the files of the manifests it has served, and fetches no others: nobody can fill it with what they like.
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '../../shared/basics/parsing.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { type DownloadParts, download, type Failure } from '../artifacts/download.ts';
import { fetchManifest } from '../artifacts/fetch-release.ts';
import { makeFolder, sha256OfFile, sizeOf, writeWhole } from '../artifacts/files.ts';

export type CacheStoreOptions = {
  readonly folder: string;
  /** Base URL of the control plane. */
  readonly upstream: string;
  readonly bytesMax: number;
  readonly parts: DownloadParts;
  readonly wallNow: () => number;
  readonly onError: (what: string, error: unknown) => void;
};

export type Artifact =
  | { readonly kind: 'here'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'fetching'; readonly progressBytes: number }
  | { readonly kind: 'unknown' };

export type CacheStore = {
  /** The manifest's bytes, from upstream when it is not here yet. */
  manifest(digest: string): Promise<{ readonly kind: 'here'; readonly bytes: Uint8Array } | Failure>;
  /** Where an artifact lies; the first to ask for it has it fetched. */
  artifact(sha256: string): Promise<Artifact>;
};

/** Reads what an earlier life has left; what cannot be read is fetched again. */
export async function openCacheStore(options: CacheStoreOptions): Promise<CacheStore> {
  const store = new Store(options);
  await store.restore();
  return store;
}

class Store implements CacheStore {
  readonly #options: CacheStoreOptions;
  /** Sizes of the artifacts that the manifests here name. */
  readonly #known = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #asked = new Map<string, Promise<{ readonly kind: 'here'; readonly bytes: Uint8Array } | Failure>>();
  /** Fetches that came to nothing, until somebody has been told. */
  readonly #failed = new Set<string>();

  constructor(options: CacheStoreOptions) {
    this.#options = options;
  }

  async restore(): Promise<void> {
    await Promise.all([makeFolder(this.#folder('manifests')), makeFolder(this.#folder('artifacts'))]);
    for (const name of await readdir(this.#folder('manifests'))) {
      const bytes = await readFile(join(this.#folder('manifests'), name)).catch((error: unknown) => {
        this.#options.onError(`reading the kept manifest ${name}`, error);
        return '';
      });
      const parsed = parseJson(manifestSchema, bytes);
      if (parsed.ok) this.#learn(parsed.value);
    }
  }

  manifest(digest: string): Promise<{ readonly kind: 'here'; readonly bytes: Uint8Array } | Failure> {
    const asked = this.#asked.get(digest) ?? this.#readManifest(digest).finally(() => this.#asked.delete(digest));
    this.#asked.set(digest, asked);
    return asked;
  }

  async artifact(sha256: string): Promise<Artifact> {
    const path = join(this.#folder('artifacts'), sha256);
    const bytes = this.#known.get(sha256);
    if (bytes === undefined) return { kind: 'unknown' };
    if ((await sizeOf(path)) === bytes) {
      const now = new Date(this.#options.wallNow());
      await utimes(path, now, now).catch(() => undefined);
      return { kind: 'here', path, bytes };
    }
    // Whoever hears this turns to the control plane itself; the next one makes us try again.
    if (this.#failed.delete(sha256)) return { kind: 'unknown' };
    if (!this.#fetching.has(sha256)) this.#fetching.set(sha256, this.#fetch(sha256, path, bytes));
    return { kind: 'fetching', progressBytes: (await sizeOf(`${path}.part`)) ?? 0 };
  }

  async #readManifest(digest: string): Promise<{ readonly kind: 'here'; readonly bytes: Uint8Array } | Failure> {
    const { upstream, parts } = this.#options;
    const path = join(this.#folder('manifests'), digest);
    if ((await sizeOf(path)) !== null && (await sha256OfFile(path)) === digest) {
      return { kind: 'here', bytes: await readFile(path) };
    }
    const got = await fetchManifest({ url: upstream }, digest, parts);
    if (got.kind === 'failed') return got;
    await writeWhole(path, got.bytes);
    this.#learn(got.manifest);
    return { kind: 'here', bytes: got.bytes };
  }

  async #fetch(sha256: string, path: string, bytes: number): Promise<void> {
    const { upstream, parts, onError } = this.#options;
    const url = `${upstream}/v1/artifacts/${sha256}`;
    try {
      await this.#makeRoom(bytes);
      const result = await download({ url, path, sha256, bytes }, parts);
      if (result.kind === 'failed') throw new Error(result.reason);
    } catch (error) {
      this.#failed.add(sha256);
      onError(`fetching ${sha256.slice(0, 12)}`, error);
    } finally {
      this.#fetching.delete(sha256);
    }
  }

  /** Longest unused first. A file that is being sent goes on: an unlinked file lives until it is closed. */
  async #makeRoom(bytes: number): Promise<void> {
    const folder = this.#folder('artifacts');
    const names = (await readdir(folder)).filter((name) => !this.#fetching.has(name.replace(/\.part$/, '')));
    const files = await Promise.all(
      names.map(async (name) => ({ path: join(folder, name), ...(await usage(join(folder, name))) })),
    );
    let total = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (total + bytes <= this.#options.bytesMax) return;
      await rm(file.path, { force: true });
      total -= file.bytes;
    }
  }

  #learn(manifest: Manifest): void {
    for (const file of manifest.files) this.#known.set(file.sha256, file.bytes);
  }

  #folder(name: 'manifests' | 'artifacts'): string {
    return join(this.#options.folder, name);
  }
}

async function usage(path: string): Promise<{ readonly bytes: number; readonly usedAtMs: number }> {
  const { size, mtimeMs } = await stat(path);
  return { bytes: size, usedAtMs: mtimeMs };
}
