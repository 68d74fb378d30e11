// The rubber belt: dark, ribbed, a little uneven, with lint on it (a look-alike that no model should report).
import { beltX, beltY, brighten, type Canvas, eachPixelNear } from './canvas.ts';
import { clamp01 } from './exact-math.ts';
import { createNoiseGrid, createNoiseRows } from './noise.ts';
import { PART_PITCH } from './parts.ts';
import { createRandom, hash32 } from './random.ts';
import { drawFade, drawPolyline, type Stroke } from './shapes.ts';

const PLAIN = 0.165;
/** Cells per unit. */
const SHADES = 0.045;
const GRAIN = 0.5;
const RIBS = 0.125;

export type BeltRequest = {
  readonly worldSeed: number /** Parts after which the belt repeats, or null. */;
  readonly loopParts: number | null;
};

export function paintBelt(canvas: Canvas, { worldSeed, loopParts }: BeltRequest): void {
  const seed = hash32(worldSeed, 5);
  const shades = textureRows(canvas, { seed, perUnit: SHADES, loopParts });
  const grain = textureRows(canvas, { seed: seed + 1, perUnit: GRAIN, loopParts });
  const ribs = ribRow(canvas, fittedFrequency(RIBS, loopParts).perUnit);
  for (let y = 0; y < canvas.height; y++) {
    const shadeRow = shades(y);
    const grainRow = grain(y);
    for (let x = 0; x < canvas.width; x++) {
      const light = PLAIN + 0.016 * shadeRow[x]! + 0.014 * grainRow[x]! + ribs[x]!;
      const index = y * canvas.width + x;
      canvas.red[index] = light * 0.97;
      canvas.green[index] = light;
      canvas.blue[index] = light * 1.04;
    }
  }
}

function ribRow(canvas: Canvas, perUnit: number): Float64Array {
  return Float64Array.from({ length: canvas.width }, (_, x) => {
    const position = beltX(canvas, x) * perUnit;
    const along = position - Math.floor(position);
    if (along < 0.16) return -0.022;
    return along < 0.3 ? 0.01 : 0;
  });
}

type TextureRequest = { readonly seed: number; readonly perUnit: number; readonly loopParts: number | null };

/** Noise over the canvas, a row at a time (into one reused row). */
function textureRows(canvas: Canvas, request: TextureRequest): (y: number) => Float64Array {
  const { perUnit, period } = fittedFrequency(request.perUnit, request.loopParts);
  const xs = Float64Array.from({ length: canvas.width }, (_, x) => beltX(canvas, x) * perUnit);
  const bottom = beltY(canvas, canvas.height - 1) * perUnit;
  const area = { left: xs[0]!, right: xs[xs.length - 1]!, top: 0, bottom };
  const grid = createNoiseGrid(request.seed, area, period);
  const readRow = createNoiseRows(grid, xs);
  return (y) => readRow(beltY(canvas, y) * perUnit);
}

/** A loop needs a whole number of cells (or ribs), so its frequency is bent to the nearest fit. */
function fittedFrequency(perUnit: number, loopParts: number | null): { perUnit: number; period: number | null } {
  if (loopParts === null) return { perUnit, period: null };
  const length = loopParts * PART_PITCH;
  const period = Math.max(1, Math.round(length * perUnit));
  return { perUnit: period / length, period };
}

export type LintRequest = {
  readonly worldSeed: number;
  readonly partId: number /** Middle of the part's stretch of belt. */;
  readonly x: number;
};

/** Up to two fibres lie on each part's stretch of belt, below the part. */
export function paintLint(canvas: Canvas, request: LintRequest): void {
  for (const stroke of drawLint(request)) {
    const reach = stroke.width / 2 + 0.5 / canvas.scale;
    const frame = { x: request.x, y: 0, turn: { cos: 1, sin: 0 } };
    eachPixelNear(canvas, { frame, stroke, reach, isInside: () => true }, (index, distance, fade) => {
      brighten(canvas, index, clamp01((stroke.width / 2 - distance) * canvas.scale + 0.5) * stroke.amp * fade);
    });
  }
}

function drawLint({ worldSeed, partId }: LintRequest): readonly Stroke[] {
  const random = createRandom(worldSeed, 91, partId);
  const count = random.integer(0, 2);
  return Array.from({ length: count }, () => {
    const x = random.range(-0.5, 0.5) * PART_PITCH;
    const y = random.range(0, 256);
    const length = random.range(8, 24);
    const angle = random.range(0, 6.28);
    const curve = random.range(-2, 2);
    const points = drawPolyline(random, { x, y, length, angle, steps: 5, jitter: 0.3, curve });
    return { points, width: 0.9, amp: random.range(0.06, 0.16), fade: drawFade(random, 6, 0.5) };
  });
}
