// Segmentation outputs to objects: class per pixel, then connected regions with box, area and mean score. Pure.
import type { Detection } from '../../../shared/release/answers.ts';
import { type Mask, maskOf } from '../../../shared/release/mask-runs.ts';
import type { SegmentationPostprocess } from '../../../shared/release/postprocess.ts';
import type { DecodedObjects } from './detection.ts';
import { DecodeError, type FrameSize, type OutputTensor, roundPx, roundScore } from './tensor.ts';

type SegmentationInput = {
  readonly output: OutputTensor;
  readonly postprocess: SegmentationPostprocess;
  readonly labels: readonly { readonly name: string }[];
  readonly frame: FrameSize;
  /** Tell the pixels of the answered regions too. */
  readonly withMask?: boolean | undefined;
};

/** The mask may be smaller than the frame; `areaPx` and boxes are in frame pixels. */
type ClassMap = {
  readonly classOf: Uint16Array;
  readonly score: Float32Array;
  readonly width: number;
  readonly height: number;
};

type Region = {
  readonly id: number;
  classId: number;
  pixels: number;
  scoreSum: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
};

/** `mask`: pixels of what is answered, where it was asked for and is not shattered. */
export type DecodedRegions = DecodedObjects & { readonly mask?: Mask };

/** Regions one answer may hold, the largest first: a shattered mask must not become a megabyte of JSON. */
const REGIONS_MAX = 300;

/**
 * Regions of at least `minAreaPx` whose mean score reaches the class's threshold (none given: all), largest first.
 * `borderline` counts the regions that only their score kept out. Throws DecodeError on a wrong shape.
 */
export function decodeSegmentation(input: SegmentationInput): DecodedRegions {
  const { postprocess, labels, frame } = input;
  const map = postprocess.decoder === 'classmap' ? readClassMap(input) : readChannels(input);
  const scaleX = frame.width / map.width;
  const scaleY = frame.height / map.height;
  const pixelsMin = postprocess.minAreaPx / (scaleX * scaleY);
  const owners = input.withMask ? new Int32Array(map.classOf.length) : null;
  const regions = findRegions(map, postprocess, owners)
    .filter((region) => region.pixels >= pixelsMin && labels[region.classId] !== undefined)
    .sort((a, b) => b.pixels - a.pixels || a.top - b.top || a.left - b.left)
    .slice(0, REGIONS_MAX);
  const detections: Detection[] = [];
  const answered = new Map<number, string>();
  for (const region of regions) {
    const label = labels[region.classId]!.name;
    const score = region.scoreSum / region.pixels;
    if (score < (postprocess.thresholdPerClass?.[label] ?? 0)) continue;
    detections.push({ classId: region.classId, label, score: roundScore(score), ...place(region, scaleX, scaleY) });
    answered.set(region.id, label);
  }
  const mask = owners && maskOf(map.width, map.height, (pixel) => answered.get(owners[pixel]!) ?? null);
  return { detections, borderline: regions.length - detections.length, ...(mask === null ? {} : { mask }) };
}

function place(region: Region, scaleX: number, scaleY: number): { box: Detection['box']; areaPx: number } {
  return {
    box: [
      roundPx(region.left * scaleX),
      roundPx(region.top * scaleY),
      roundPx((region.right - region.left + 1) * scaleX),
      roundPx((region.bottom - region.top + 1) * scaleY),
    ],
    areaPx: Math.round(region.pixels * scaleX * scaleY),
  };
}

function readClassMap(input: SegmentationInput): ClassMap {
  const { data, dims } = input.output;
  const [height = 0, width = 0] = dims.slice(-2);
  if (dims.length < 3 || dims.length > 4 || dims.slice(0, -2).some((dim) => dim !== 1))
    throw new DecodeError(`the classmap decoder needs [1, H, W] or [1, 1, H, W], got [${dims}]`);
  const score = new Float32Array(width * height).fill(1);
  return { classOf: new Uint16Array(data), score, width, height };
}

/** Arg-max over channels; the score (softmax of logits, or the probability itself) only where it is not background. */
function readChannels(input: SegmentationInput): ClassMap {
  const { data, dims } = input.output;
  const [batch, channels = 0, height = 0, width = 0] = dims;
  if (dims.length !== 4 || batch !== 1 || channels !== input.labels.length)
    throw new DecodeError(
      `a mask for ${input.labels.length} labels needs [1, ${input.labels.length}, H, W], got [${dims}]`,
    );
  const plane = width * height;
  const classOf = new Uint16Array(plane);
  const score = new Float32Array(data.subarray(0, plane));
  for (let c = 1; c < channels; c++) {
    const from = c * plane;
    for (let i = 0; i < plane; i++) {
      if (data[from + i]! > score[i]!) {
        score[i] = data[from + i]!;
        classOf[i] = c;
      }
    }
  }
  if (input.postprocess.decoder === 'logits') softmaxOfBest({ data, plane, channels }, { classOf, score }, input);
  return { classOf, score, width, height };
}

function softmaxOfBest(
  from: { readonly data: OutputTensor['data']; readonly plane: number; readonly channels: number },
  best: { readonly classOf: Uint16Array; readonly score: Float32Array },
  input: SegmentationInput,
): void {
  const { data, plane, channels } = from;
  const { background } = input.postprocess;
  for (let i = 0; i < plane; i++) {
    if (best.classOf[i] === background) continue;
    const top = best.score[i]!;
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += Math.exp(data[c * plane + i]! - top);
    best.score[i] = 1 / sum;
  }
}

/** `owners` is told for each pixel of a region which one it is, counted from 1. */
function findRegions(map: ClassMap, postprocess: SegmentationPostprocess, owners: Int32Array | null): Region[] {
  const { background, connectivity } = postprocess;
  const open = new Uint8Array(map.classOf.length);
  for (let i = 0; i < open.length; i++) open[i] = map.classOf[i] === background ? 0 : 1;
  const stack = new Int32Array(open.length);
  const regions: Region[] = [];
  for (let i = 0; i < open.length; i++) {
    if (open[i] !== 1) continue;
    regions.push(flood({ map, open, stack, diagonal: connectivity === 8, owners, id: regions.length + 1 }, i));
  }
  return regions;
}

type Flood = {
  readonly map: ClassMap;
  readonly open: Uint8Array;
  readonly stack: Int32Array;
  readonly diagonal: boolean;
  readonly owners: Int32Array | null;
  readonly id: number;
};

/** Takes the whole region that holds pixel `start` off the `open` map. */
function flood(at: Flood, start: number): Region {
  const { map, open, stack, owners, id } = at;
  const { width } = map;
  const classId = map.classOf[start]!;
  const region = { id, classId, pixels: 0, scoreSum: 0, left: width, top: map.height, right: 0, bottom: 0 };
  let depth = 0;
  stack[depth++] = start;
  open[start] = 0;
  while (depth > 0) {
    const pixel = stack[--depth]!;
    const x = pixel % width;
    const y = (pixel - x) / width;
    if (owners) owners[pixel] = id;
    grow(region, x, y, map.score[pixel]!);
    depth = pushNeighbours(at, { x, y, classId, depth });
  }
  return region;
}

function grow(region: Region, x: number, y: number, score: number): void {
  region.pixels += 1;
  region.scoreSum += score;
  if (x < region.left) region.left = x;
  if (x > region.right) region.right = x;
  if (y < region.top) region.top = y;
  if (y > region.bottom) region.bottom = y;
}

function pushNeighbours(at: Flood, from: { x: number; y: number; classId: number; depth: number }): number {
  const { map, open, stack, diagonal } = at;
  let { depth } = from;
  for (let dy = -1; dy <= 1; dy++) {
    const y = from.y + dy;
    if (y < 0 || y >= map.height) continue;
    for (let dx = -1; dx <= 1; dx++) {
      const x = from.x + dx;
      if (x < 0 || x >= map.width || (!diagonal && dx !== 0 && dy !== 0)) continue;
      const next = y * map.width + x;
      if (open[next] !== 1 || map.classOf[next] !== from.classId) continue;
      open[next] = 0;
      stack[depth++] = next;
    }
  }
  return depth;
}
