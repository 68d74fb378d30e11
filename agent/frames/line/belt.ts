// The rubber belt: dark, ribbed, a little uneven, with lint on it (a look-alike that no model should report).
import { beltX, beltY, brighten, type Canvas, eachPixelNear } from './canvas.ts';
import { clamp01 } from './exact-math.ts';
import { createNoiseGrid, type NoiseGrid, sampleNoise } from './noise.ts';
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
  const shades = texture(canvas, { seed, perUnit: SHADES, loopParts });
  const grain = texture(canvas, { seed: seed + 1, perUnit: GRAIN, loopParts });
  const ribs = fittedFrequency(RIBS, loopParts).perUnit;
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      const light = PLAIN + 0.016 * textureAt(shades, canvas, x, y) + 0.014 * textureAt(grain, canvas, x, y);
      const index = y * canvas.width + x;
      const shade = light + ribAt(beltX(canvas, x) * ribs);
      canvas.red[index] = shade * 0.97;
      canvas.green[index] = shade;
      canvas.blue[index] = shade * 1.04;
    }
  }
}

function ribAt(position: number): number {
  const along = position - Math.floor(position);
  if (along < 0.16) return -0.022;
  return along < 0.3 ? 0.01 : 0;
}

type Texture = { readonly grid: NoiseGrid; readonly perUnit: number };

function texture(
  canvas: Canvas,
  request: { readonly seed: number; readonly perUnit: number; readonly loopParts: number | null },
): Texture {
  const { perUnit, period } = fittedFrequency(request.perUnit, request.loopParts);
  const area = {
    left: beltX(canvas, 0) * perUnit,
    right: beltX(canvas, canvas.width - 1) * perUnit,
    top: 0,
    bottom: beltY(canvas, canvas.height - 1) * request.perUnit,
  };
  return { grid: createNoiseGrid(request.seed, area, period), perUnit };
}

function textureAt({ grid, perUnit }: Texture, canvas: Canvas, x: number, y: number): number {
  return sampleNoise(grid, beltX(canvas, x) * perUnit, beltY(canvas, y) * perUnit);
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
