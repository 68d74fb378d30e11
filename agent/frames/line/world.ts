// The belt and its parts as one endless (or looping) picture in linear light, before any camera looks at it.
// A pixel depends on its belt position alone, never on the window through which it was painted: caches rely on that.
import { paintBelt, paintLint } from './belt.ts';
import { type Canvas, createCanvas } from './canvas.ts';
import type { DefectMix } from './defects.ts';
import { cosine, sine } from './exact-math.ts';
import { wrap } from './noise.ts';
import { paintDefects } from './paint-defects.ts';
import { paintPart } from './paint-part.ts';
import { drawPart, PART_PITCH, type Part, type PartType } from './parts.ts';

/** Units of belt that a frame shows; a frame of `size` pixels has size / FRAME_UNITS pixels per unit. */
export const FRAME_UNITS = 256;
/** A part, its shadow and its jitter stay within this distance of its stretch's middle. */
const PART_REACH = 120;

export type World = {
  readonly seed: number;
  readonly mix: DefectMix;
  readonly types: readonly PartType[];
  readonly lightDir: number;
  /** Frame height in pixels. */
  readonly size: number;
  /** The belt repeats after this many parts, or null: endless. */
  readonly loopParts: number | null;
};

/** Pixel columns of the belt, whole: column c lies at c / scale + phase units. */
export type Window = { readonly column: number; readonly width: number; readonly phase: number };

export const scaleOf = (world: Pick<World, 'size'>): number => world.size / FRAME_UNITS;

/** Length of a looping belt in pixels of this world's frames. */
export function loopColumns(world: World & { readonly loopParts: number }): number {
  return world.loopParts * PART_PITCH * scaleOf(world);
}

/** Parts whose picture may touch [left, right] (units), placed there; in a loop the same part comes back with the same id. */
export function partsBetween(world: World, left: number, right: number): readonly Part[] {
  const first = Math.ceil((left - PART_REACH) / PART_PITCH);
  const last = Math.floor((right + PART_REACH) / PART_PITCH);
  return Array.from({ length: last - first + 1 }, (_, i) => placedPart(world, first + i));
}

function placedPart(world: World, position: number): Part {
  const partId = world.loopParts === null ? position : wrap(position, world.loopParts);
  const part = drawPart({ worldSeed: world.seed, partId, types: world.types, mix: world.mix });
  return { ...part, x: part.x + (position - partId) * PART_PITCH };
}

/** Paints a window; in a loop it must not cross the seam (see paintAcrossSeam). */
export function paintWorld(world: World, window: Window): Canvas {
  const scale = scaleOf(world);
  const canvas = createCanvas({ ...window, height: world.size, scale });
  const left = window.column / scale + window.phase;
  const right = (window.column + window.width) / scale + window.phase;
  const light = { x: cosine(world.lightDir), y: sine(world.lightDir) };
  paintBelt(canvas, { worldSeed: world.seed, loopParts: world.loopParts });
  const first = Math.floor(left / PART_PITCH) - 1;
  const last = Math.ceil(right / PART_PITCH) + 1;
  for (let position = first; position <= last; position++) {
    const partId = world.loopParts === null ? position : wrap(position, world.loopParts);
    paintLint(canvas, { worldSeed: world.seed, partId, x: position * PART_PITCH });
  }
  for (const part of partsBetween(world, left, right)) {
    paintPart(canvas, part, light);
    paintDefects(canvas, part, light);
  }
  return canvas;
}

/** The window's picture of an endless belt, or of a loop, cut where it crosses the seam. */
export function paintAcrossSeam(world: World, window: Window): Canvas {
  const { loopParts } = world;
  if (loopParts === null) return paintWorld(world, window);
  const columns = loopColumns({ ...world, loopParts });
  const canvas = createCanvas({ ...window, height: world.size, scale: scaleOf(world) });
  for (let done = 0; done < window.width; ) {
    const column = wrap(window.column + done, columns);
    const width = Math.min(window.width - done, columns - column);
    copyColumns(paintWorld(world, { column, width, phase: window.phase }), canvas, { from: 0, to: done, count: width });
    done += width;
  }
  return canvas;
}

/** The window of `strip` (one whole turn of a loop) that starts at `column`, going round the seam. */
export function cutFromStrip(strip: Canvas, column: number, width: number): Canvas {
  const canvas = createCanvas({ ...strip, column, width });
  for (let done = 0; done < width; ) {
    const from = wrap(column + done, strip.width);
    const count = Math.min(width - done, strip.width - from);
    copyColumns(strip, canvas, { from, to: done, count });
    done += count;
  }
  return canvas;
}

type ColumnRange = { readonly from: number; readonly to: number; readonly count: number };

function copyColumns(source: Canvas, canvas: Canvas, { from, to, count }: ColumnRange): void {
  for (const layer of ['red', 'green', 'blue', 'mask', 'defectIds'] as const) {
    for (let y = 0; y < canvas.height; y++) {
      const start = y * source.width + from;
      canvas[layer].set(source[layer].subarray(start, start + count), y * canvas.width + to);
    }
  }
}
