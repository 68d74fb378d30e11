// Reading the small text files of /sys and /proc. Whatever cannot be read is null: a sensor that is switched off
// answers EAGAIN, one that is gone ENOENT, and neither is a fault of the agent.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Everything we look for stands in the first bytes; /proc/stat of a large machine has many more. */
const READ_BYTES = 4096;

export function readText(path: string): string | null {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, READ_BYTES, 0));
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

export function readWord(path: string): string | null {
  return readText(path)?.trim() ?? null;
}

/** Null also for a file that is empty or holds no number. */
export function readNumber(path: string): number | null {
  const text = readWord(path);
  if (text === null || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Paths of the entries whose names match, in a stable order; none when the folder cannot be read. */
export function listPaths(folder: string, name: RegExp): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .sort()
      .map((entry) => join(folder, entry));
  } catch {
    return [];
  }
}

/** The highest of the values that could be read; null when none could. */
export function highestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
