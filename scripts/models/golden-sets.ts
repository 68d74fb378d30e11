// Builds the golden set of a model name: labelled pictures that every release of it is tried on, on the device itself.
// Chosen for power, not for looks: enough small micro-cracks that their recall means something.
import sharp from 'sharp';
import { type GoldenTruth, packGoldenSet } from '../../shared/release/golden.ts';
import { type Mask, maskOf } from '../../shared/release/mask-runs.ts';
import { SMALL_CRACK_PX } from './recipes.ts';
import { DEFECT_NAMES, FRAME_PX, type LabelledFrame, renderLabelled, type TruthBox } from './training/scenes.ts';
import { readStrips, STRIP_SIZE } from './training/strips.ts';

const GOLDEN_FRAMES = 56;
const GOLDEN_STRIPS = 48;
const SMALL_CRACKS_WANTED = 30;
const CLEAN_FRAMES_WANTED = 8;
const FRAMES_SCANNED_MAX = 400;
const JPEG_QUALITY = 92;

/** Its answers are held against pixels; a detector has no use for masks. */
const SEGMENTER = 'seg';

export async function buildGoldenSet(name: string): Promise<Uint8Array> {
  return name === 'lot-reader' ? buildStrips(name) : buildFrames(name);
}

async function buildFrames(name: string): Promise<Uint8Array> {
  const frames = await Promise.all(
    chooseFrames().map(async (frame) => ({
      picture: await encodeFrame(frame),
      format: 'jpeg' as const,
      objects: frame.boxes.map(truthOf),
      ...(name === SEGMENTER ? { mask: truthMaskOf(frame) } : {}),
    })),
  );
  return packGoldenSet(name, frames);
}

async function buildStrips(name: string): Promise<Uint8Array> {
  const [height, width] = STRIP_SIZE;
  const frames = await Promise.all(
    readStrips('golden', GOLDEN_STRIPS).map(async (strip) => ({
      picture: await sharp(strip.grey, { raw: { width, height, channels: 1 } })
        .png()
        .toBuffer(),
      format: 'png' as const,
      objects: [],
      text: strip.text,
    })),
  );
  return packGoldenSet(name, frames);
}

/** The first frames with small cracks until there are enough, a few clean ones, then whatever comes, in scene order. */
function chooseFrames(): readonly LabelledFrame[] {
  const chosen: LabelledFrame[] = [];
  const others: LabelledFrame[] = [];
  let smallCracks = 0;
  let clean = 0;
  for (let i = 0; i < FRAMES_SCANNED_MAX && smallCracks < SMALL_CRACKS_WANTED; i++) {
    const frame = renderLabelled('golden', i);
    const cracks = frame.boxes.filter(isDemandedSmallCrack).length;
    const isWantedClean = frame.boxes.length === 0 && clean < CLEAN_FRAMES_WANTED;
    if (cracks === 0 && !isWantedClean) {
      others.push(frame);
      continue;
    }
    smallCracks += cracks;
    if (isWantedClean) clean += 1;
    chosen.push(frame);
  }
  const rest = others.filter((frame) => frame.boxes.length > 0).slice(0, Math.max(0, GOLDEN_FRAMES - chosen.length));
  return interleave(chosen, rest);
}

/** Alternates both lists, so that the first frames (the numeric proof) show every kind of defect. */
function interleave<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return first.flatMap((item, i) => [item, ...second.slice(i, i + 1)]).concat(second.slice(first.length));
}

function isDemandedSmallCrack(box: TruthBox): boolean {
  return truthOf(box).label === 'micro-crack' && truthOf(box).size === 'small' && box.visible >= 0.5;
}

/** A labelled box as golden sets and metrics say it. */
export function truthOf(box: TruthBox): GoldenTruth {
  return {
    label: DEFECT_NAMES[box.classId] ?? '',
    box: [box.x, box.y, box.w, box.h],
    size: Math.max(box.w, box.h) < SMALL_CRACK_PX ? 'small' : 'large',
    visible: box.visible,
  };
}

/** The painted pixels of every defect. */
function truthMaskOf({ mask }: LabelledFrame): Mask {
  const labelled = maskOf(FRAME_PX, FRAME_PX, (pixel) => DEFECT_NAMES[mask[pixel]! - 1] ?? null);
  if (labelled === null) throw new RangeError('a frame of the line has too many separate pixels for a mask');
  return labelled;
}

async function encodeFrame(frame: LabelledFrame): Promise<Uint8Array> {
  const raw = { width: FRAME_PX, height: FRAME_PX, channels: 3 as const };
  return sharp(frame.rgb, { raw }).jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** Pixels of a golden picture as the model takes them: interleaved RGB, or grey for one channel. */
export async function decodePicture(picture: Uint8Array, channels: number): Promise<Uint8Array> {
  const image = sharp(picture);
  return (channels === 1 ? image.greyscale().toColourspace('b-w') : image.removeAlpha()).raw().toBuffer();
}
