// Reads files that may answer slowly (I²C, ACPI, a sleeping GPU) without ever holding up the event loop: one file after
// the other through the thread pool, so that a bus that hangs keeps one of its threads and nothing else.
import { open } from 'node:fs/promises';
import type { ReadText } from './sysfs.ts';

const READ_BYTES = 4096;

export type Background = {
  /** Begins a round unless one is under way; resolves when all have answered, never rejects. */
  readonly refresh: (paths: readonly string[]) => Promise<void>;
  /** What the last complete round found; null before there is one, and once it is too old to be believed. */
  readonly latest: () => ReadText | null;
};

export type ReadSlowly = (path: string) => Promise<string | null>;

/** `latest` is asked once for every reading; a round counts for `readingsMax` of them. */
export function openBackground(readingsMax: number, read: ReadSlowly = readSlowly): Background {
  let running: Promise<void> | null = null;
  let texts: ReadonlyMap<string, string | null> | null = null;
  let age = 0;
  const round = async (paths: readonly string[]) => {
    const found = new Map<string, string | null>();
    for (const path of paths) found.set(path, await read(path).catch(() => null));
    texts = found;
    age = 0;
  };
  return {
    refresh: (paths) => {
      running ??= round(paths).finally(() => {
        running = null;
      });
      return running;
    },
    latest: () => {
      age += 1;
      const known = age > readingsMax ? null : texts;
      return known === null ? null : (path) => known.get(path) ?? null;
    },
  };
}

async function readSlowly(path: string): Promise<string | null> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}
