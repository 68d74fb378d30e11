// One frame of the synthetic line with its ground truth: a pure function of seeds, belt offset and condition.
import { type Box, boxesOf } from './boxes.ts';
import { createCamera, photograph } from './camera.ts';
import type { Canvas } from './canvas.ts';
import { type Condition, NOMINAL, sampleCondition } from './conditions.ts';
import { type DefectMix, NOMINAL_MIX } from './defects.ts';
import type { PartType } from './parts.ts';
import { createRandom, hash32 } from './random.ts';
import { paintAcrossSeam, partsBetween, scaleOf, type World } from './world.ts';

export type FrameRequest = {
  readonly worldSeed: number;
  /** Belt position of the frame's left edge, in belt units (pixels of a 256-pixel frame); fractions are allowed. */
  readonly beltOffset: number;
  readonly condition?: Condition;
  /** Pixels of the square frame, a multiple of 8; default 256. The view is the same at every size. */
  readonly size?: number;
  readonly mix?: DefectMix;
  /** Another seed is another exposure of the same scene. */
  readonly noiseSeed?: number;
  /** The belt repeats after this many parts; absent: endless. */
  readonly loopParts?: number;
};

export type PartSeen = {
  readonly partId: number;
  readonly type: PartType;
  /** Centre in the frame, pixels; may lie outside it. */
  readonly x: number;
  readonly y: number;
};

export type Frame = {
  readonly size: number;
  /** Interleaved RGB, size * size * 3. */
  readonly rgb: Uint8Array;
  /** Defect class + 1 per pixel, 0 where sound. */
  readonly mask: Uint8Array;
  readonly boxes: readonly Box[];
  readonly parts: readonly PartSeen[];
};

/** Half a part and a little: parts whose centre is nearer than this to the frame count as seen. Units. */
const PART_SEEN = 60;
export const FRAME_SIZE = 256;

export function renderFrame(request: FrameRequest): Frame {
  const condition = request.condition ?? NOMINAL;
  const world = worldOf(request, condition);
  const scale = scaleOf(world);
  const left = request.beltOffset * scale;
  const column = Math.floor(left);
  const canvas = paintAcrossSeam(world, { column, width: world.size, phase: (left - column) / scale });
  const rgb = photograph(createCamera(condition, world.size), canvas, exposureSeed(request));
  return { size: world.size, rgb, mask: canvas.mask, ...truthOf(world, canvas, request.beltOffset) };
}

export function worldOf(request: FrameRequest, condition: Condition): World {
  return {
    seed: request.worldSeed,
    mix: request.mix ?? NOMINAL_MIX,
    types: condition.parts,
    lightDir: condition.lightDir,
    size: request.size ?? FRAME_SIZE,
    loopParts: request.loopParts ?? null,
  };
}

/** Seed of one exposure's sensor noise. */
export function exposureSeed(request: Pick<FrameRequest, 'worldSeed' | 'beltOffset' | 'noiseSeed'>): number {
  return hash32(request.worldSeed, Math.round(request.beltOffset * 16), request.noiseSeed ?? 0);
}

/** What a window shows. `beltOffset` is its left edge in units. */
export function truthOf(world: World, canvas: Canvas, beltOffset: number): Pick<Frame, 'boxes' | 'parts'> {
  const right = beltOffset + canvas.width / canvas.scale;
  const parts = partsBetween(world, beltOffset, right);
  const seen = parts.filter((part) => part.x > beltOffset - PART_SEEN && part.x < right + PART_SEEN);
  return {
    boxes: boxesOf(canvas, parts),
    parts: seen.map(({ partId, type, x, y }) => ({
      partId,
      type,
      x: (x - beltOffset) * canvas.scale,
      y: y * canvas.scale,
    })),
  };
}

export type SampleOptions = {
  readonly mix?: DefectMix;
  /** false: every frame under NOMINAL; default true: the spread of a normal plant. */
  readonly conditionJitter?: boolean;
  /** Parts to draw from; default plates and flanges. */
  readonly parts?: readonly PartType[];
  readonly size?: number;
};

/** Sampled frames start within this much belt. Units. */
const SAMPLE_OFFSET_MAX = 4000;

/** A random frame of a random line: training, held-out and golden sets are ranges of seeds that do not overlap. */
export function sampleFrame(seed: number, options: SampleOptions = {}): Frame {
  const random = createRandom(seed, 41);
  const beltOffset = random.range(0, SAMPLE_OFFSET_MAX);
  const parts = options.parts ?? NOMINAL.parts;
  const condition = options.conditionJitter === false ? { ...NOMINAL, parts } : sampleCondition(random, parts);
  const { mix = NOMINAL_MIX, size = FRAME_SIZE } = options;
  return renderFrame({ worldSeed: seed, beltOffset, condition, mix, size });
}
