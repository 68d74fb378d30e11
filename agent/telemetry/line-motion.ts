// How fast the line carries things through the picture, learned from the detections themselves. A standing line has no
// velocity (null): then nothing can be said about detections that stay where they are. Pure.
import { type Box, overlap, SAME_PLACE_IOU } from './found-objects.ts';

/** Pixels per ms. */
export type Velocity = { readonly x: number; readonly y: number };
export type Motion = Velocity & { readonly atMs: number };

type Labelled = { readonly label: string; readonly box: Box };

export type MotionFacts = {
  readonly motions: readonly Motion[];
  /** Detections known to be the same thing in two frames. */
  readonly linked: readonly { readonly from: Labelled; readonly to: Labelled | undefined }[];
  /** Those of the former frame that went on nowhere, and those of this one that came from nowhere. */
  readonly ended: readonly Labelled[];
  readonly born: readonly Labelled[];
  readonly elapsedMs: number;
  readonly atMs: number;
};

/** Below this a box has jittered, not moved, px per frame. */
const JITTER_PX = 1.5;
const MOTIONS_MAX = 15;
const MOTIONS_MIN = 5;
/** Motion seen longer ago says nothing about now. */
const MOTION_AGE_MS_MAX = 10_000;
/** At least this share of the motions must agree with their median, each within this distance of it. */
const AGREEING_SHARE = 0.6;
const AGREEING_DISTANCE = 0.35;

/** The recent motions with those of this frame added. */
export function learnMotion(facts: MotionFacts): readonly Motion[] {
  const pairs = [...facts.linked, ...likelySame(facts.ended, facts.born)];
  const seen = pairs.flatMap(({ from, to }) => (to ? motionOf(from.box, to.box, facts) : []));
  return [...facts.motions, ...seen].slice(-MOTIONS_MAX);
}

/** The common motion; null when too few things have moved lately or they do not agree. */
export function lineVelocity(motions: readonly Motion[], atMs: number): Velocity | null {
  const recent = motions.filter((motion) => atMs - motion.atMs <= MOTION_AGE_MS_MAX);
  if (recent.length < MOTIONS_MIN) return null;
  const velocity = { x: median(recent.map((m) => m.x)), y: median(recent.map((m) => m.y)) };
  const tolerance = Math.hypot(velocity.x, velocity.y) * AGREEING_DISTANCE;
  const agreeing = recent.filter((m) => Math.hypot(m.x - velocity.x, m.y - velocity.y) <= tolerance);
  return agreeing.length >= recent.length * AGREEING_SHARE ? velocity : null;
}

// The only thing of its class that vanished and the only one that appeared, of the same shape, are likely the same.
function likelySame(ended: readonly Labelled[], born: readonly Labelled[]) {
  return ended.flatMap((from) => {
    const alone = ended.filter((other) => other.label === from.label).length === 1;
    const [to, ...rest] = born.filter((other) => other.label === from.label);
    if (!alone || !to || rest.length > 0 || !hasSameShape(from.box, to.box)) return [];
    return [{ from, to }];
  });
}

function hasSameShape(a: Box, b: Box): boolean {
  return overlap([0, 0, a[2], a[3]], [0, 0, b[2], b[3]]) >= SAME_PLACE_IOU;
}

function motionOf(from: Box, to: Box, { elapsedMs, atMs }: MotionFacts): readonly Motion[] {
  const x = to[0] + to[2] / 2 - from[0] - from[2] / 2;
  const y = to[1] + to[3] / 2 - from[1] - from[3] / 2;
  return Math.hypot(x, y) < JITTER_PX ? [] : [{ x: x / elapsedMs, y: y / elapsedMs, atMs }];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
