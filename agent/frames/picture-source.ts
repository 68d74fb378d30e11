// Where pictures come from: a rendered loop, a folder, a golden set. They are read by position in time, so a
// slow reader skips pictures as it would with a camera; a golden set is read picture by picture to its end.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems } from '../../shared/basics/parsing.ts';
import { readGoldenSet } from '../../shared/release/golden.ts';
import { type CameraSource, SourceError } from './camera-source.ts';
import { openLoop } from './line/loop-file.ts';
import type { Picture } from './preprocess.ts';

export type PictureSourceOptions = Extract<CameraSource, { kind: 'line' | 'folder' | 'golden' }>;

export type PictureSource = {
  /** Null: there is no end. */
  readonly count: number | null;
  /** The picture at this position since the start, and its number in the source. */
  read(position: number): Promise<{ readonly picture: Picture; readonly index: number }>;
  close(): void;
};

/** Throws SourceError, or LoopError for a damaged loop. */
export async function openPictureSource(source: PictureSourceOptions): Promise<PictureSource> {
  switch (source.kind) {
    case 'line':
      return openLine(source.path);
    case 'folder':
      return openFolder(source.path);
    case 'golden':
      return openGolden(source.path, source.framesMax);
  }
}

function openLine(path: string): PictureSource {
  const loop = openLoop(path);
  return {
    count: null,
    read: async (position) => {
      const index = position % loop.frameCount;
      const bytes = loop.read(index);
      return { picture: loop.raw === null ? { bytes } : { bytes, raw: loop.raw }, index };
    },
    close: () => loop.close(),
  };
}

async function openFolder(path: string): Promise<PictureSource> {
  let names = await listPictures(path);
  return {
    count: null,
    read: async (position) => {
      const index = position % names.length;
      // Once around, so that pictures may come and go while the camera runs.
      if (index === 0 && position > 0) names = await listPictures(path);
      const name = names[index % names.length]!;
      return { picture: { bytes: await readFile(join(path, name)) }, index };
    },
    close: () => undefined,
  };
}

async function listPictures(path: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(path)).filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
    if (names.length > 0) return names;
  } catch (error) {
    throw new SourceError(`reading the picture folder ${path}: ${describeError(error)}; check the path`, {
      cause: error,
    });
  }
  throw new SourceError(`reading the picture folder ${path}: it holds no .jpg or .png file; put pictures there`);
}

async function openGolden(path: string, framesMax = Number.POSITIVE_INFINITY): Promise<PictureSource> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new SourceError(`reading the golden set ${path}: ${describeError(error)}; download the release again`, {
      cause: error,
    });
  });
  const parsed = readGoldenSet(bytes);
  if (!parsed.ok)
    throw new SourceError(`reading the golden set ${path}: ${describeProblems(parsed.problems)}; publish it again`);
  const { index, picture } = parsed.value;
  return {
    count: Math.min(index.frames.length, framesMax),
    read: async (position) => ({ picture: { bytes: picture(position) }, index: position }),
    close: () => undefined,
  };
}
