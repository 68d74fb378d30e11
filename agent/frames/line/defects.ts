// What goes wrong with a part: scratches, dents, micro-cracks and spills, in the part's own coordinates (belt units).
// The order of the random draws is part of the generator version: changing it changes every world.
import { cosine, sine } from './exact-math.ts';
import { hash32, type Random } from './random.ts';
import { drawFade, drawPolyline, type Outline, type Stroke } from './shapes.ts';

/** Class order of every model of the line; a mask holds index + 1, and 0 for sound surface. */
export const DEFECT_CLASSES = ['scratch', 'dent', 'micro-crack', 'spill'] as const;
export type DefectClass = (typeof DEFECT_CLASSES)[number];

/** Class ids, for readers of boxes and masks. */
export const SCRATCH = 0;
export const DENT = 1;
export const MICRO_CRACK = 2;
export const SPILL = 3;

/** How often a part is defective, and with what; weights follow DEFECT_CLASSES and need not sum to 1. */
export type DefectMix = {
  readonly rate: number;
  readonly weights: readonly [number, number, number, number];
  /** Darkness of cracks, from faint to strong. */
  readonly crackAmp?: readonly [number, number];
};

/** The plant's normal mix: held-out and golden sets, cameras. */
export const NOMINAL_MIX: DefectMix = { rate: 0.72, weights: [1, 0.9, 1.15, 0.6] };
/** Denser, for training. */
export const TRAINING_MIX: DefectMix = { rate: 0.85, weights: NOMINAL_MIX.weights };

export type Ellipse = { readonly radiusX: number; readonly radiusY: number; readonly turn: number };

type Shape =
  | { readonly kind: 'scratch'; readonly stroke: Stroke }
  | { readonly kind: 'dent'; readonly ellipse: Ellipse; readonly amp: number }
  | { readonly kind: 'micro-crack'; readonly strokes: readonly Stroke[]; readonly length: number }
  | { readonly kind: 'spill'; readonly ellipse: Ellipse; readonly amp: number };

export type Defect = Shape & {
  readonly classId: number;
  readonly defectId: number;
  readonly x: number;
  readonly y: number;
  readonly seed: number;
};

/** The bare part that defects are placed on. */
export type Blank = {
  readonly partId: number;
  readonly seed: number;
  readonly isRound: boolean;
  readonly outline: Outline;
};

type Place = { readonly x: number; readonly y: number };

/** Ids are unique along a line: partId * DEFECT_ID_STRIDE + position. */
export const DEFECT_ID_STRIDE = 8;
const PLACE_TRIES = 12;
const HOLE_CLEARANCE = 7;
const DEFECT_CLEARANCE = 30;
const CRACK_AMP = [0.13, 0.36] as const;

export function drawDefects(random: Random, blank: Blank, mix: DefectMix): readonly Defect[] {
  const defects: Defect[] = [];
  const count = drawCount(random, mix.rate);
  for (let i = 0; i < count; i++) {
    const classId = drawClass(random, mix.weights);
    const place = drawPlace(random, blank, defects);
    if (place === null) continue;
    const turn = random.range(0, 3.14);
    defects.push({
      ...drawShape(random, { classId, place, turn, crackAmp: mix.crackAmp ?? CRACK_AMP }),
      ...place,
      classId,
      defectId: blank.partId * DEFECT_ID_STRIDE + i,
      seed: hash32(blank.seed, i),
    });
  }
  return defects;
}

function drawCount(random: Random, rate: number): number {
  if (!random.chance(rate)) return 0;
  if (!random.chance(0.3)) return 1;
  return random.chance(0.3) ? 3 : 2;
}

function drawClass(random: Random, weights: DefectMix['weights']): number {
  let rest = random.unit() * (weights[0] + weights[1] + weights[2] + weights[3]);
  let classId = 0;
  while (classId < SPILL && rest >= weights[classId]!) {
    rest -= weights[classId]!;
    classId++;
  }
  return classId;
}

/** A spot clear of holes and of other defects, or null when the part is too crowded. */
function drawPlace(random: Random, blank: Blank, others: readonly Place[]): Place | null {
  for (let attempt = 0; attempt < PLACE_TRIES; attempt++) {
    const place = drawSpot(random, blank);
    const inHole = blank.outline.holes.some((hole) => isNear(hole, place, hole.radius + HOLE_CLEARANCE));
    if (!inHole && !others.some((other) => isNear(other, place, DEFECT_CLEARANCE))) return place;
  }
  return null;
}

function drawSpot(random: Random, { isRound, outline }: Blank): Place {
  const angle = random.range(0, 6.2832);
  const radius = Math.sqrt(random.unit()) * 0.8 * outline.corner;
  if (isRound) return { x: cosine(angle) * radius, y: sine(angle) * radius };
  return {
    x: random.range(-0.8, 0.8) * outline.halfWidth,
    y: random.range(-0.78, 0.78) * outline.halfHeight,
  };
}

function isNear(a: Place, b: Place, reach: number): boolean {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y) < reach * reach;
}

type ShapeRequest = {
  readonly classId: number;
  readonly place: Place;
  readonly turn: number;
  readonly crackAmp: readonly [number, number];
};

function drawShape(random: Random, request: ShapeRequest): Shape {
  if (request.classId === SCRATCH) return drawScratch(random, request.place);
  if (request.classId === MICRO_CRACK) return drawCrack(random, request);
  return request.classId === DENT ? drawDent(random, request.turn) : drawSpill(random, request.turn);
}

function drawScratch(random: Random, place: Place): Shape {
  const length = random.range(24, 82);
  const angle = random.range(0, 6.2832);
  const curve = random.range(-0.5, 0.5);
  const points = drawPolyline(random, {
    ...startOf(place, length, angle),
    length,
    angle,
    steps: 7,
    jitter: 0.03,
    curve,
  });
  const width = random.range(1.1, 2.2);
  const amp = random.range(0.16, 0.36);
  return { kind: 'scratch', stroke: { points, width, amp, fade: drawFade(random, 8, 0.45) } };
}

function drawDent(random: Random, turn: number): Shape {
  const radiusX = random.range(7, 17);
  const radiusY = radiusX * random.range(0.6, 1);
  const depth = random.range(0.14, 0.34);
  const amp = random.chance(0.8) ? depth : -depth;
  return { kind: 'dent', ellipse: { radiusX, radiusY, turn }, amp };
}

function drawSpill(random: Random, turn: number): Shape {
  const radiusX = random.range(11, 26);
  const radiusY = radiusX * random.range(0.6, 1);
  return { kind: 'spill', ellipse: { radiusX, radiusY, turn }, amp: random.range(0.35, 0.6) };
}

function drawCrack(random: Random, { place, crackAmp }: ShapeRequest): Shape {
  const length = random.range(15, 50);
  const angle = random.range(0, 6.2832);
  const steps = Math.max(4, Math.round(length / 4.5));
  const points = drawPolyline(random, {
    ...startOf(place, length, angle),
    length,
    angle,
    steps,
    jitter: 0.42,
    curve: 0,
  });
  const width = random.range(0.7, 1.35);
  const amp = -random.range(crackAmp[0], crackAmp[1]);
  const trunk: Stroke = { points, width, amp, fade: drawFade(random, steps + 1, 0.6) };
  const strokes = [trunk];
  const branches = random.integer(0, 2);
  for (let i = 0; i < branches; i++) strokes.push(drawBranch(random, trunk, { length, angle }));
  return { kind: 'micro-crack', strokes, length };
}

function drawBranch(random: Random, trunk: Stroke, of: { readonly length: number; readonly angle: number }): Stroke {
  const root = random.integer(1, trunk.points.length / 2 - 2);
  const length = of.length * random.range(0.2, 0.45);
  const fork = random.range(0.5, 1.1);
  const angle = of.angle + (random.chance(0.5) ? fork : -fork);
  const start = { x: trunk.points[2 * root]!, y: trunk.points[2 * root + 1]! };
  const points = drawPolyline(random, { ...start, length, angle, steps: 4, jitter: 0.35, curve: 0 });
  return { points, width: trunk.width * 0.75, amp: trunk.amp * 0.8, fade: drawFade(random, 5, 0.5) };
}

/** Where a line of this length and angle starts so that its middle lies on the place. */
function startOf(place: Place, length: number, angle: number): Place {
  return { x: place.x - (cosine(angle) * length) / 2, y: place.y - (sine(angle) * length) / 2 };
}
