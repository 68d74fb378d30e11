// Lot-code strips for the OCR camera: dot-peened or ink-jet characters on metal, worn and noisy, in grey.
// Glyphs are embedded, so no installed font changes a picture.
import { blurPlane, gaussianKernel } from './blur.ts';
import { clamp01 } from './exact-math.ts';
import { GLYPH_COLUMNS, GLYPH_ROWS, isDotSet, LOT_CODE_CHARACTERS } from './glyphs.ts';
import { noiseAt } from './noise.ts';
import { createRandom, hash32, type Random } from './random.ts';

export { LOT_CODE_CHARACTERS } from './glyphs.ts';
export const LOT_CODE_LENGTH = 8;
export const LOT_CODE_WIDTH = 160;
export const LOT_CODE_HEIGHT = 32;

/** How well a code was marked and seen. */
export type LotCodeCondition = {
  /** Darkness of the dots, 0..1. */
  readonly contrast: number;
  readonly blur: number;
  readonly noise: number;
  /** Chance that a dot is missing. */
  readonly drop: number;
  readonly gain: number;
  /** How far patches of the code are rubbed off, 0..1. */
  readonly wear: number;
};

export type LotCodeStrip = {
  readonly text: string;
  readonly width: number;
  readonly height: number;
  /** One byte per pixel. */
  readonly grey: Uint8Array;
  /** Pixel column of each character's middle: training labels columns with it. */
  readonly centers: readonly number[];
};

export type LotCodeRequest = {
  readonly seed: number;
  /** Default: drawn from the seed. */
  readonly text?: string;
  /** Default: drawn from the seed, over the plant's whole spread. */
  readonly condition?: LotCodeCondition;
};

export function renderLotCode(request: LotCodeRequest): LotCodeStrip {
  const random = createRandom(request.seed, 43);
  const drawn = { text: drawLotCode(random), condition: sampleLotCodeCondition(random) };
  const { text, condition } = { ...drawn, ...request };
  const marking = createRandom(request.seed, 31);
  const plane = paintMetal(marking, hash32(request.seed, 8));
  const print = drawPrint(marking, text.length);
  const wearSeed = hash32(request.seed, 8) + 5;
  const centers = [...text].map((character, position) =>
    paintCharacter({ plane, random: marking, print, condition, wearSeed }, character, position),
  );
  return { text, width: LOT_CODE_WIDTH, height: LOT_CODE_HEIGHT, grey: expose(plane, condition, marking), centers };
}

/** For example `L4-7K2M9`: a letter, a digit, a dash, then five of any. */
export function drawLotCode(random: Random): string {
  const any = [...LOT_CODE_CHARACTERS].filter((character) => character !== '-');
  const [digits, letters] = [any.slice(0, 10), any.slice(10)];
  const tail = Array.from({ length: 5 });
  return `${random.pick(letters)}${random.pick(digits)}-${tail.map(() => random.pick(any)).join('')}`;
}

export function sampleLotCodeCondition(random: Random): LotCodeCondition {
  return {
    contrast: random.range(0.12, 0.4),
    blur: random.range(0.35, 0.9),
    noise: random.range(0.008, 0.035),
    drop: random.range(0, 0.05),
    gain: random.range(0.8, 1.2),
    wear: random.range(0, 0.5),
  };
}

/** Brushed plate: fine horizontal lines, slow patches and a slope of light. */
function paintMetal(random: Random, seed: number): Float32Array {
  const base = random.range(0.45, 0.7);
  const slope = random.range(-0.12, 0.12);
  const plane = new Float32Array(LOT_CODE_WIDTH * LOT_CODE_HEIGHT);
  for (let y = 0; y < LOT_CODE_HEIGHT; y++) {
    for (let x = 0; x < LOT_CODE_WIDTH; x++) {
      const texture = 0.05 * noiseAt(seed, x * 0.04, y * 1.1) + 0.03 * noiseAt(seed + 1, x * 0.03, y * 0.06);
      plane[y * LOT_CODE_WIDTH + x] = base + texture + slope * (x / LOT_CODE_WIDTH - 0.5);
    }
  }
  return plane;
}

/** How the marking head stood: pitches and radius of the dots, place and slant of the line. Pixels and radians. */
type Print = {
  readonly isPeened: boolean;
  readonly pitchX: number;
  readonly pitchY: number;
  readonly advance: number;
  readonly radius: number;
  readonly x: number;
  readonly y: number;
  readonly slant: number;
  readonly shear: number;
};

function drawPrint(random: Random, characters: number): Print {
  const isPeened = random.chance(0.5);
  const pitchX = random.range(2.05, 2.5);
  const pitchY = random.range(2.2, 2.9);
  const advance = pitchX * 6.1 + random.range(-0.2, 0.9);
  const radius = isPeened ? random.range(0.95, 1.2) : random.range(1.15, 1.45);
  const x = random.range(3, Math.max(3.5, LOT_CODE_WIDTH - advance * characters - 2));
  const y = random.range(3, LOT_CODE_HEIGHT - pitchY * 6 - 4);
  const slant = random.range(-0.03, 0.03);
  const shear = random.range(-0.08, 0.08);
  return { isPeened, pitchX, pitchY, advance, radius, x, y, slant, shear };
}

type Marking = {
  readonly plane: Float32Array;
  readonly random: Random;
  readonly print: Print;
  readonly condition: LotCodeCondition;
  readonly wearSeed: number;
};

/** Returns the column of the character's middle, to a tenth of a pixel. */
function paintCharacter(marking: Marking, character: string, position: number): number {
  const { random, print, condition } = marking;
  const left = print.x + position * print.advance + random.range(-0.5, 0.5);
  const drift = print.slant * (position * print.advance - LOT_CODE_WIDTH / 2);
  const top = print.y + random.range(-0.6, 0.6) + drift;
  for (let row = 0; row < GLYPH_ROWS; row++) {
    for (let column = 0; column < GLYPH_COLUMNS; column++) {
      if (!isDotSet(character, column, row)) continue;
      const isDropped = random.chance(condition.drop);
      const lean = (GLYPH_ROWS - 1 - row) * print.pitchY * print.shear;
      const x = left + column * print.pitchX + 1 + lean + random.gauss() * 0.14;
      const y = top + row * print.pitchY + 1 + random.gauss() * 0.14;
      if (!isDropped) paintDot(marking, x, y);
    }
  }
  return Math.round((left + 2 * print.pitchX + 1) * 10) / 10;
}

function paintDot({ plane, print, condition, wearSeed }: Marking, dotX: number, dotY: number): void {
  const worn = condition.wear * Math.max(0, noiseAt(wearSeed, dotX * 0.06, dotY * 0.06)) * 1.2;
  const amp = condition.contrast * (1 - worn);
  const bottom = Math.min(LOT_CODE_HEIGHT - 1, dotY + 3);
  const right = Math.min(LOT_CODE_WIDTH - 1, dotX + 3);
  for (let y = Math.max(0, Math.floor(dotY - 3)); y <= bottom; y++) {
    for (let x = Math.max(0, Math.floor(dotX - 3)); x <= right; x++) {
      const [dx, dy] = [x - dotX, y - dotY];
      const cover = clamp01(print.radius + 0.5 - Math.sqrt(dx * dx + dy * dy));
      // A peened dot is a dimple: darker as a whole, lit on the far side. Ink is plain dark.
      const relief = (0.35 * (dx + dy)) / (print.radius + 0.5);
      plane[y * LOT_CODE_WIDTH + x]! += amp * cover * (print.isPeened ? relief - 0.8 : -1);
    }
  }
}

function expose(values: Float32Array, condition: LotCodeCondition, random: Random): Uint8Array {
  const kernel = gaussianKernel(condition.blur).slice(0, 2);
  const norm = kernel[0]! + 2 * kernel[1]!;
  const plane = { values, width: LOT_CODE_WIDTH, height: LOT_CODE_HEIGHT };
  const seen = blurPlane(
    plane,
    kernel.map((weight) => weight / norm),
  );
  return Uint8Array.from(
    seen,
    (value) => clamp01(value * condition.gain + condition.noise * random.gauss()) * 255 + 0.5,
  );
}
