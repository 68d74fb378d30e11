// Reading the small text files of /sys and /proc. Whatever cannot be read is null: a sensor that is switched off
// answers EAGAIN, one that is gone ENOENT, and neither is a fault of the agent.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** The text of a file, or null. */
export type ReadText = (path: string) => string | null;

/** A group of values: the files that it needs, and what their texts say. Reading and judging are apart, so that the same
 * sensor can be read at once or in the background. */
export type Sensor<Reading> = {
  readonly paths: readonly string[];
  readonly judge: (read: ReadText) => Reading;
};

/** Everything we look for stands in the first bytes; /proc/stat of a large machine has many more. */
const READ_BYTES = 4096;

/** Reads into one buffer; `onGone` is told of files that are not there any more. */
export function openTextReader(onGone: () => void): ReadText {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  return (path) => {
    let descriptor: number | null = null;
    try {
      descriptor = openSync(path, 'r');
      return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, READ_BYTES, 0));
    } catch (error) {
      if (isGone(error)) onGone();
      return null;
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  };
}

/** ENOENT: the file is gone; ENODEV: its device is, though a driver still holds the file. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV');
}

export function wordOf(text: string | null): string | null {
  // Device tree strings end with a zero byte.
  const word = text?.replaceAll('\0', '').trim() ?? '';
  return word === '' ? null : word;
}

/** Null also for a text that is empty or no plain decimal number. */
export function numberOf(text: string | null): number | null {
  const word = wordOf(text);
  return word !== null && /^[+-]?\d{1,15}(\.\d{1,9})?$/.test(word) ? Number(word) : null;
}

/** Names of the entries that match, in a stable order (2 before 10); none when the folder cannot be read. */
export function listNames(folder: string, name: RegExp): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

export function listPaths(folder: string, name: RegExp): readonly string[] {
  return listNames(folder, name).map((entry) => join(folder, entry));
}

/** The highest of the values that could be read; null when none could. */
export function highestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

export function lowestOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}
