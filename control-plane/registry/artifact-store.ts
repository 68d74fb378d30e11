// Artifacts on disk, named by their SHA-256: hashed while written, renamed only when whole, never changed afterwards.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { BelayError } from '../../shared/basics/errors.ts';

export type Stored =
  | { readonly kind: 'stored'; readonly bytes: number; readonly created: boolean }
  | { readonly kind: 'refused'; readonly reason: 'mismatch' | 'too-large'; readonly detail: string };

export type ByteRange = { readonly start: number; readonly end: number };

export type ArtifactStore = {
  /** Bytes of the stored file; null when it is not here. */
  size(sha256: string): Promise<number | null>;
  /** Throws BelayError `storage-full` or `storage-failed`; leaves nothing behind when it does. */
  put(sha256: string, content: Readable): Promise<Stored>;
  stream(sha256: string, range: ByteRange | null): Readable;
  read(sha256: string): Promise<Uint8Array>;
  remove(sha256: string): Promise<void>;
};

const PART = '.part';

/** Opens the folder and clears what uploads cut off by a crash have left. */
export async function openArtifactStore(folder: string, bytesMax: number): Promise<ArtifactStore> {
  await mkdir(folder, { recursive: true });
  for (const entry of await readdir(folder)) {
    if (entry.endsWith(PART)) await rm(join(folder, entry), { force: true });
  }
  const pathOf = (sha256: string): string => join(folder, sha256);
  const size = async (sha256: string): Promise<number | null> => {
    try {
      return (await stat(pathOf(sha256))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw storageError(`looking for artifact ${sha256}`, error);
    }
  };
  return {
    size,
    put: async (sha256, content) => {
      const present = await size(sha256);
      if (present !== null) {
        content.resume();
        return { kind: 'stored', bytes: present, created: false };
      }
      return putNew({ folder, path: pathOf(sha256), sha256, content, bytesMax });
    },
    stream: (sha256, range) => createReadStream(pathOf(sha256), range ?? {}),
    read: (sha256) => readFile(pathOf(sha256)),
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
  };
}

type NewArtifact = {
  readonly folder: string;
  readonly path: string;
  readonly sha256: string;
  readonly content: Readable;
  readonly bytesMax: number;
};

async function putNew(artifact: NewArtifact): Promise<Stored> {
  const part = join(artifact.folder, `${artifact.sha256}.${randomUUID()}${PART}`);
  try {
    const written = await writePart(part, artifact);
    if (written.kind === 'refused') {
      await rm(part, { force: true });
      return written;
    }
    await rename(part, artifact.path);
    await syncFolder(artifact.folder);
    return written;
  } catch (error) {
    await rm(part, { force: true });
    throw storageError(`storing artifact ${artifact.sha256}`, error);
  }
}

async function writePart(part: string, { sha256, content, bytesMax }: NewArtifact): Promise<Stored> {
  const file = await open(part, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return refuse('too-large', `more than ${bytesMax} bytes`);
      hash.update(chunk);
      await writeAll(file, chunk);
    }
    const actual = hash.digest('hex');
    if (actual !== sha256) return refuse('mismatch', `the bytes received have the SHA-256 ${actual} (${bytes} bytes)`);
    await file.sync();
    return { kind: 'stored', bytes, created: true };
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, offset);
    offset += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function refuse(reason: 'mismatch' | 'too-large', detail: string): Stored {
  return { kind: 'refused', reason, detail };
}

function storageError(doing: string, error: unknown): BelayError {
  const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  const next = isFull ? 'free space in the data folder' : 'look at the cause and try again';
  return new BelayError(isFull ? 'storage-full' : 'storage-failed', `${doing} failed; ${next}`, { cause: error });
}
