// Links the detections of consecutive frames of one camera: how long they live (flicker), and which of them stay at
// the same place of the picture while the line moves (dirt on the lens, floods of light). Pure: state in, state out.
import { type Box, overlap, SAME_PLACE_IOU } from './found-objects.ts';
import { learnMotion, lineVelocity, type Motion, type Velocity } from './line-motion.ts';

/** A track that lives fewer frames than this has flickered. */
const STEADY_FRAMES = 3;
/** After a pause longer than this the picture has moved on; tracks start afresh and nothing flickers. */
const GAP_MS_MAX = 1000;
/** The line must have moved this far during a track before staying where it is means anything. */
const STATIC_LINE_PX = 12;
/** A static detection has moved less than this share of what the line has. */
const STATIC_MOVED_SHARE = 0.3;

export type TrackedBox = { readonly label: string; readonly box: Box };

type Track = TrackedBox & {
  readonly frames: number;
  readonly bornAt: Box;
  /** How far the line has moved since the track was born, px. */
  readonly linePx: number;
};

export type TrackState = {
  readonly atMs: number | null;
  readonly tracks: readonly Track[];
  readonly motions: readonly Motion[];
  /** Right and bottom edge of everything ever seen, px: an estimate of the frame. */
  readonly extent: readonly [number, number];
};

export const NO_TRACKS: TrackState = { atMs: null, tracks: [], motions: [], extent: [0, 0] };

export type TrackCounts = {
  readonly flickers: number;
  readonly trackFrames: number;
  /** Of the detections whose motion can be told, how many stay while the line moves. */
  readonly staticDetections: number;
  readonly trackedDetections: number;
};

export type TrackStep = { readonly state: TrackState; readonly counts: TrackCounts };

export function followFrame(state: TrackState, boxes: readonly TrackedBox[], atMs: number): TrackStep {
  const elapsedMs = state.atMs === null ? Number.POSITIVE_INFINITY : atMs - state.atMs;
  if (elapsedMs <= 0 || elapsedMs > GAP_MS_MAX) return startAfresh(state, boxes, atMs);
  const velocity = lineVelocity(state.motions, atMs);
  const links = linkBoxes(state.tracks, boxes, shiftOf(velocity, elapsedMs));
  const tracks = boxes.map((box, index) => continued(links.get(index), box, velocity, elapsedMs));
  const ended = state.tracks.filter((track) => ![...links.values()].includes(track));
  const linked = [...links].map(([index, from]) => ({ from, to: boxes[index] }));
  return {
    state: {
      atMs,
      tracks,
      motions: learnMotion({ motions: state.motions, linked, ended, born: bornOf(boxes, links), elapsedMs, atMs }),
      extent: extentOf(state.extent, boxes),
    },
    counts: {
      flickers: ended.filter((track) => hasFlickered(track, state.extent, shiftOf(velocity, elapsedMs))).length,
      trackFrames: boxes.length,
      staticDetections: tracks.filter(isStatic).length,
      trackedDetections: tracks.filter((track) => track.linePx >= STATIC_LINE_PX).length,
    },
  };
}

function startAfresh(state: TrackState, boxes: readonly TrackedBox[], atMs: number): TrackStep {
  const tracks = boxes.map((box) => continued(undefined, box, null, 0));
  return {
    state: { atMs, tracks, motions: state.motions, extent: extentOf(state.extent, boxes) },
    counts: { flickers: 0, trackFrames: boxes.length, staticDetections: 0, trackedDetections: 0 },
  };
}

/** Box index → the track it continues: same class, at the same place or where the line has carried it; best first. */
function linkBoxes(
  tracks: readonly Track[],
  boxes: readonly TrackedBox[],
  shift: readonly [number, number],
): ReadonlyMap<number, Track> {
  const pairs = tracks.flatMap((track) =>
    boxes.flatMap((box, index) => {
      if (box.label !== track.label) return [];
      const iou = Math.max(overlap(track.box, box.box), overlap(shifted(track.box, shift), box.box));
      return iou >= SAME_PLACE_IOU ? [{ track, index, iou }] : [];
    }),
  );
  const links = new Map<number, Track>();
  const used = new Set<Track>();
  for (const { track, index } of pairs.sort((a, b) => b.iou - a.iou)) {
    if (links.has(index) || used.has(track)) continue;
    links.set(index, track);
    used.add(track);
  }
  return links;
}

function continued(from: Track | undefined, box: TrackedBox, velocity: Velocity | null, elapsedMs: number): Track {
  const { label } = box;
  if (from === undefined) return { label, box: box.box, frames: 1, bornAt: box.box, linePx: 0 };
  const linePx = from.linePx + (velocity ? Math.hypot(velocity.x, velocity.y) * elapsedMs : 0);
  return { label, box: box.box, frames: from.frames + 1, bornAt: from.bornAt, linePx };
}

function isStatic(track: Track): boolean {
  if (track.linePx < STATIC_LINE_PX) return false;
  return distance(track.bornAt, track.box) < track.linePx * STATIC_MOVED_SHARE;
}

// A part that the line carries out of the picture has left, not flickered.
function hasFlickered(track: Track, extent: readonly [number, number], shift: readonly [number, number]): boolean {
  const [x, y, width, height] = shifted(track.box, shift);
  const leaves = x <= 0 || y <= 0 || x + width >= extent[0] || y + height >= extent[1];
  return track.frames < STEADY_FRAMES && !leaves;
}

function bornOf(boxes: readonly TrackedBox[], links: ReadonlyMap<number, Track>): readonly TrackedBox[] {
  return boxes.filter((_, index) => !links.has(index));
}

function shiftOf(velocity: Velocity | null, elapsedMs: number): readonly [number, number] {
  return velocity ? [velocity.x * elapsedMs, velocity.y * elapsedMs] : [0, 0];
}

function shifted(box: Box, [x, y]: readonly [number, number]): Box {
  return [box[0] + x, box[1] + y, box[2], box[3]];
}

function distance(a: Box, b: Box): number {
  return Math.hypot(a[0] + a[2] / 2 - b[0] - b[2] / 2, a[1] + a[3] / 2 - b[1] - b[3] / 2);
}

function extentOf(extent: readonly [number, number], boxes: readonly TrackedBox[]): readonly [number, number] {
  return [
    Math.max(extent[0], ...boxes.map(({ box }) => box[0] + box[2])),
    Math.max(extent[1], ...boxes.map(({ box }) => box[1] + box[3])),
  ];
}
