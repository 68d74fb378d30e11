// The parts that ride the belt. Everything about part k follows from hash(world seed, k), in belt units
// (1 unit = 1 pixel of a 256-pixel frame), so frames of any offset and size agree on it.
import { type Defect, type DefectMix, drawDefects } from './defects.ts';
import { cosine, sine } from './exact-math.ts';
import { createRandom, hash32, type Random } from './random.ts';
import { drawFade, drawPolyline, type Hole, type Outline, type Stroke } from './shapes.ts';

/** Distance between part centres along the belt. */
export const PART_PITCH = 236;

/** `pcb` is never in the training data: it is the part nobody told the model about. */
export type PartType = 'plate' | 'flange' | 'pcb';

export type Part = {
  readonly partId: number;
  readonly type: PartType;
  /** Centre on the belt. */
  readonly x: number;
  readonly y: number;
  readonly turn: { readonly cos: number; readonly sin: number };
  readonly outline: Outline;
  readonly seed: number;
  /** Mean brightness of the surface, and how strong its brushing is. */
  readonly base: number;
  readonly brush: number;
  readonly tint: readonly [number, number, number];
  readonly traces: readonly Stroke[];
  /** Harmless look-alikes of scratches, along the brushing. */
  readonly hairlines: readonly Stroke[];
  readonly defects: readonly Defect[];
};

export type PartRequest = {
  readonly worldSeed: number;
  readonly partId: number;
  readonly types: readonly PartType[];
  readonly mix: DefectMix;
};

type Body = {
  readonly outline: Outline;
  readonly base: number;
  readonly brush: number;
  readonly tint: Part['tint'];
  readonly traces: readonly Stroke[];
};

const CORNERS = [
  [-1, -1],
  [-1, 1],
  [1, -1],
  [1, 1],
] as const;

export function drawPart({ worldSeed, partId, types, mix }: PartRequest): Part {
  const random = createRandom(worldSeed, 77, partId);
  const type = random.pick(types);
  const x = partId * PART_PITCH + random.range(-10, 10);
  const y = 128 + random.range(-14, 14);
  const angle = type === 'flange' ? random.range(0, 6.283) : random.range(-0.12, 0.12);
  const metal = { base: random.range(0.5, 0.68), brush: random.range(0.03, 0.07) };
  const seed = hash32(worldSeed, 78, partId);
  const isRound = type === 'flange';
  const body = drawBody(random, type, metal);
  const hairlines = type === 'pcb' ? [] : drawHairlines(random, body.outline, isRound);
  const defects = drawDefects(random, { partId, seed, isRound, outline: body.outline }, mix);
  return { partId, type, x, y, turn: { cos: cosine(angle), sin: sine(angle) }, seed, ...body, hairlines, defects };
}

function drawBody(random: Random, type: PartType, metal: { readonly base: number; readonly brush: number }): Body {
  switch (type) {
    case 'plate':
      return { ...metal, outline: drawPlate(random), tint: [0.99, 1, 1.015], traces: [] };
    case 'flange':
      return { ...metal, outline: drawFlange(random), tint: [1.01, 1, 0.975], traces: [] };
    case 'pcb':
      return drawBoard(random);
  }
}

function drawPlate(random: Random): Outline {
  const halfWidth = random.range(78, 92);
  const halfHeight = random.range(58, 78);
  const corner = random.range(8, 16);
  const holes = cornerHoles(halfWidth - 17, halfHeight - 17, random.range(6, 9));
  if (random.chance(0.5)) holes.push({ x: 0, y: 0, radius: random.range(11, 18) });
  return { halfWidth, halfHeight, corner, holes };
}

function drawFlange(random: Random): Outline {
  const radius = random.range(74, 90);
  const bore: Hole = { x: 0, y: 0, radius: random.range(17, 25) };
  const bolts = random.integer(4, 6);
  const boltRadius = random.range(5, 8);
  const ring = Array.from({ length: bolts }, (_, i) => {
    const angle = (i * 6.2832) / bolts;
    return { x: cosine(angle) * radius * 0.68, y: sine(angle) * radius * 0.68, radius: boltRadius };
  });
  return { halfWidth: radius, halfHeight: radius, corner: radius, holes: [bore, ...ring] };
}

function drawBoard(random: Random): Body {
  const halfWidth = random.range(80, 94);
  const halfHeight = random.range(60, 80);
  const base = random.range(0.3, 0.38);
  const outline = { halfWidth, halfHeight, corner: 5, holes: cornerHoles(halfWidth - 11, halfHeight - 11, 5) };
  const traces = Array.from({ length: 14 }, () => drawTrace(random, outline));
  return { outline, base, brush: 0.012, tint: [0.38, 1, 0.55], traces };
}

/** A copper trace: three legs in steps of 45°, kept on the board, starting on a 6-unit raster. */
function drawTrace(random: Random, { halfWidth, halfHeight }: Outline): Stroke {
  let x = Math.round(random.range(-halfWidth * 0.85, halfWidth * 0.85) / 6) * 6;
  let y = Math.round(random.range(-halfHeight * 0.8, halfHeight * 0.8) / 6) * 6;
  const points = [x, y];
  for (let leg = 0; leg < 3; leg++) {
    const length = random.range(10, 45);
    const angle = (random.integer(0, 7) * Math.PI) / 4;
    x = clampTo(x + cosine(angle) * length, halfWidth * 0.9);
    y = clampTo(y + sine(angle) * length, halfHeight * 0.9);
    points.push(x, y);
  }
  return { points, width: 2.2, amp: 0.13, fade: [1, 1, 1, 1] };
}

function drawHairlines(random: Random, { halfWidth, halfHeight }: Outline, isRound: boolean): readonly Stroke[] {
  const count = random.integer(0, 3);
  return Array.from({ length: count }, () => {
    const length = random.range(25, 80);
    const angle = isRound ? random.range(0, 6.28) : random.range(-0.03, 0.03);
    const x = random.range(-halfWidth * 0.6, halfWidth * 0.3);
    const y = random.range(-halfHeight * 0.7, halfHeight * 0.7);
    const points = drawPolyline(random, { x, y, length, angle, steps: 4, jitter: 0.004, curve: 0 });
    return { points, width: 0.8, amp: random.range(-0.06, 0.07), fade: drawFade(random, 5, 0.2) };
  });
}

function cornerHoles(x: number, y: number, radius: number): Hole[] {
  return CORNERS.map(([signX, signY]) => ({ x: signX * x, y: signY * y, radius }));
}

const clampTo = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));
