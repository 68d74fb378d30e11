// Pre-rendered camera loops: a line's belt (or a row of lot codes) as one seamless film with its ground truth.
// Rendering live would cost a core per camera; a loop costs seconds once and is reused while nothing it is made of changes.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import { createCamera, photograph } from './camera.ts';
import { type Condition, NOMINAL } from './conditions.ts';
import { type DefectMix, NOMINAL_MIX } from './defects.ts';
import { LOOP_FORMAT, LOOP_FRAMES_MAX, LoopError, type LoopHeader, type LoopTruth } from './loop-file.ts';
import { isLoopCurrent, writeLoop } from './loop-writer.ts';
import { LOT_CODE_HEIGHT, LOT_CODE_WIDTH, type LotCodeCondition, renderLotCode } from './lot-code.ts';
import { PART_PITCH } from './parts.ts';
import { hash32 } from './random.ts';
import { exposureSeed, FRAME_SIZE, truthOf } from './scene.ts';
import { cutFromStrip, FRAME_UNITS, paintWorld, type World } from './world.ts';

/** Part of every loop's key: raise it whenever a pixel or a label of the generator changes. */
export const GENERATOR_VERSION = 1;
/** Ten parts at 8 pixels a frame: 19.7 s at 15 frames a second. */
export const LOOP_FRAMES = 295;
export const LOOP_STEP_PX = 8;
const JPEG_QUALITY = 90;
/** With fewer parts the same one could be seen twice in a frame. */
const LOOP_PARTS_MIN = 2;

export type LoopRequest = {
  /** The loop's data file; its folder is made when missing. */
  readonly path: string;
  readonly worldSeed: number;
  readonly mix?: DefectMix;
  readonly condition?: Condition;
  /** frames * stepPx must be a whole number of parts (236 px each at size 256). Default 295 x 8 px = 10 parts. */
  readonly frames?: number;
  readonly stepPx?: number;
  readonly size?: number;
  readonly encoding?: LoopHeader['encoding'];
  readonly onProgress?: (done: number, of: number) => void;
};

export type LotCodeLoopRequest = {
  readonly path: string;
  readonly worldSeed: number;
  /** Number of codes, one a frame; default 120. */
  readonly frames?: number;
  /** Held for every code; default: each code has its own. */
  readonly condition?: LotCodeCondition;
  readonly onProgress?: (done: number, of: number) => void;
};

export type LoopOutcome = { readonly kind: 'rendered' | 'reused'; readonly path: string; readonly key: string };

/** Renders the line's loop, or leaves the one that is there when it was made from the very same things. */
export async function renderLoop(request: LoopRequest): Promise<LoopOutcome> {
  const plan = planLoop(request);
  const { size } = plan.world;
  const { encoding = 'jpeg' } = request;
  const about = { kind: 'line' as const, key: loopKey(request), encoding, width: size, height: size };
  return writeUnlessCurrent(request, about, plan, () => {
    const strip = paintWorld(plan.world, { column: 0, width: plan.frames * plan.stepPx, phase: 0 });
    const camera = createCamera(plan.condition, size);
    return async (index) => {
      const beltOffset = (index * plan.stepPx * FRAME_UNITS) / size;
      const canvas = cutFromStrip(strip, index * plan.stepPx, size);
      const noiseSeed = exposureSeed({ worldSeed: request.worldSeed, beltOffset, noiseSeed: index });
      const rgb = photograph(camera, canvas, noiseSeed);
      const bytes = encoding === 'raw' ? rgb : await encodeJpeg(rgb, size, size);
      return { bytes, truth: lineTruth(plan.world, canvas, beltOffset) };
    };
  });
}

/** As renderLoop, for an OCR camera: grey strips of 160x32, one code a frame. */
export async function renderLotCodeLoop(request: LotCodeLoopRequest): Promise<LoopOutcome> {
  const frames = request.frames ?? 120;
  const shape = { encoding: 'jpeg' as const, width: LOT_CODE_WIDTH, height: LOT_CODE_HEIGHT };
  return writeUnlessCurrent(request, { kind: 'lot-code', key: lotCodeLoopKey(request), ...shape }, { frames }, () => {
    const condition = request.condition === undefined ? {} : { condition: request.condition };
    return async (index) => {
      const strip = renderLotCode({ seed: hash32(request.worldSeed, 55, index), ...condition });
      const truth: LoopTruth = { kind: 'lot-code', text: strip.text };
      return { bytes: await encodeJpeg(strip.grey, shape.width, shape.height), truth };
    };
  });
}

/** Hash of everything that a loop's bytes depend on: equal keys, equal films. */
export function loopKey(request: Omit<LoopRequest, 'path' | 'onProgress'>): string {
  const { world, condition, frames, stepPx } = planLoop(request);
  const encoding = request.encoding === 'raw' ? { encoding: 'raw' } : {};
  return keyOf({ kind: 'line', world, condition, frames, stepPx, ...encoding });
}

export function lotCodeLoopKey({ worldSeed, frames, condition }: Omit<LotCodeLoopRequest, 'path'>): string {
  return keyOf({ kind: 'lot-code', worldSeed, frames: frames ?? 120, condition: condition ?? null });
}

function keyOf(content: Readonly<Record<string, unknown>>): string {
  const text = canonicalJson({ generator: GENERATOR_VERSION, jpegQuality: JPEG_QUALITY, ...content });
  return createHash('sha256').update(text).digest('hex');
}

type Film = {
  readonly world: World & { readonly loopParts: number };
  readonly condition: Condition;
  readonly frames: number;
  readonly stepPx: number;
};

/** The world a request asks for. Throws LoopError when its frames do not close into a loop. */
export function planLoop(request: Omit<LoopRequest, 'path' | 'onProgress'>): Film {
  const { frames = LOOP_FRAMES, stepPx = LOOP_STEP_PX, size = FRAME_SIZE, condition = NOMINAL } = request;
  const loopParts = (frames * stepPx * FRAME_UNITS) / (PART_PITCH * size);
  if (!Number.isInteger(loopParts) || loopParts < LOOP_PARTS_MIN || frames > LOOP_FRAMES_MAX) {
    const film = `${frames} frames x ${stepPx} px at size ${size}`;
    const rule = `a whole number of parts, at least ${LOOP_PARTS_MIN} (${(PART_PITCH * size) / FRAME_UNITS} px each)`;
    throw new LoopError('loop-request', `Planning a camera loop of ${film}: frames x step must make ${rule}.`);
  }
  const mix = request.mix ?? NOMINAL_MIX;
  const { lightDir, parts } = condition;
  const world = { seed: request.worldSeed, mix, types: parts, lightDir, size, loopParts };
  return { world, condition, frames, stepPx };
}

type Asked = { readonly path: string; readonly onProgress?: (done: number, of: number) => void };

async function writeUnlessCurrent(
  { path, onProgress }: Asked,
  about: Pick<LoopHeader, 'kind' | 'key' | 'encoding' | 'width' | 'height'>,
  { frames }: { readonly frames: number },
  prepare: () => Parameters<typeof writeLoop>[2],
): Promise<LoopOutcome> {
  if (isLoopCurrent(path, about.key)) return { kind: 'reused', path, key: about.key };
  await mkdir(dirname(path), { recursive: true });
  await writeLoop(path, { format: LOOP_FORMAT, ...about, frameCount: frames }, prepare(), onProgress);
  return { kind: 'rendered', path, key: about.key };
}

function lineTruth(world: World, canvas: Parameters<typeof truthOf>[1], beltOffset: number): LoopTruth {
  const { boxes, parts } = truthOf(world, canvas, beltOffset);
  return { kind: 'line', boxes: [...boxes], parts: [...parts] };
}

async function encodeJpeg(pixels: Uint8Array, width: number, height: number): Promise<Buffer> {
  const isGrey = pixels.length === width * height;
  return sharp(pixels, { raw: { width, height, channels: isGrey ? 1 : 3 } })
    .toColourspace(isGrey ? 'b-w' : 'srgb')
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
}
