// Camera loops of the small fleet: rendered once from their seeds, a few at a time in processes of their own, then cached.
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { startProgram } from './program.ts';

const ENTRY = 'scripts/fleet/render-loop.ts';

/** What the camera gives: square pictures of `side` px, a multiple of 64, as JPEG or as bare pixels. */
export type Film = { readonly side: number; readonly encoding: 'jpeg' | 'raw' };
const USUAL_FILM: Film = { side: 256, encoding: 'jpeg' };

/** Renders the loops of these lines that are not there yet; gives the file of each. `onProgress` hears shares from 0 to 1. */
export async function prepareLoops(
  lines: readonly string[],
  folder: string,
  onProgress: (share: number) => void,
  film: Film = USUAL_FILM,
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const wanted = [...new Set(lines)];
  const shares = new Map(wanted.map((line) => [line, 0]));
  const report = (line: string, share: number): void => {
    shares.set(line, share);
    onProgress([...shares.values()].reduce((sum, value) => sum + value, 0) / wanted.length);
  };
  const queue = [...wanted];
  const worker = async (): Promise<void> => {
    for (let line = queue.shift(); line !== undefined; line = queue.shift())
      await renderOne({ line, folder, film }, report);
  };
  await Promise.all(Array.from({ length: Math.min(wanted.length, availableParallelism()) }, worker));
  return new Map(wanted.map((line) => [line, loopFile(folder, line)]));
}

export function loopFile(folder: string, line: string): string {
  return path.join(folder, `${line}.loop`);
}

type Rendering = { readonly line: string; readonly folder: string; readonly film: Film };

async function renderOne(
  { line, folder, film }: Rendering,
  report: (line: string, share: number) => void,
): Promise<void> {
  const program = startProgram({
    name: `render-${line}`,
    entry: ENTRY,
    args: [line, loopFile(folder, line), String(film.side), film.encoding],
    logFolder: folder,
    onLine: (text) => report(line, Number(text)),
  });
  const end = await program.ended;
  if (end !== 'exit 0')
    throw new Error(`rendering the camera loop "${line}" failed (${end}):\n${await program.logTail()}`);
  report(line, 1);
}
