// Paints a part onto the belt: its shadow, its lit and brushed surface, its bevel, traces and hairlines.
// Light enters as a direction; the camera's own effects come later.
import { beltX, beltY, brighten, type Canvas, eachPixelNear, outerArea, type PixelArea, pixelsOf } from './canvas.ts';
import { angleOf, clamp01, exponential, smoothStep } from './exact-math.ts';
import { createNoiseGrid, type NoiseGrid, sampleNoise } from './noise.ts';
import type { Part } from './parts.ts';
import { distanceToOutline, type Outline } from './shapes.ts';

/** Unit vector towards the light. */
export type Light = { readonly x: number; readonly y: number };

/** How far the shadow falls from the part, and how far beyond that its soft rim reaches: units. */
const SHADOW_SHIFT = 5;
const SHADOW_RIM = 7;
const BEVEL = 3.2;
/** Strokes stay this many pixels inside the rim. */
const RIM_PIXELS = 0.8;

export function paintPart(canvas: Canvas, part: Part, light: Light): void {
  paintBody(canvas, part, light);
  const isInside = insideOf(canvas, part);
  for (const stroke of part.traces) {
    const reach = stroke.width / 2 + 0.5 / canvas.scale;
    eachPixelNear(canvas, { frame: part, stroke, reach, isInside }, (index, distance) => {
      const cover = clamp01((stroke.width / 2 - distance) * canvas.scale + 0.5);
      canvas.red[index]! += 0.16 * cover;
      canvas.green[index]! += 0.12 * cover;
      canvas.blue[index]! += 0.03 * cover;
    });
  }
  for (const stroke of part.hairlines) {
    const reach = stroke.width / 2 + 0.5 / canvas.scale;
    eachPixelNear(canvas, { frame: part, stroke, reach, isInside }, (index, distance, fade) => {
      brighten(canvas, index, clamp01((stroke.width / 2 - distance) * canvas.scale + 0.5) * fade * stroke.amp);
    });
  }
}

/** Whether a point of the part's own coordinates is metal, clear of the rim. */
export function insideOf(canvas: Canvas, part: Part): (u: number, v: number) => boolean {
  const rim = -RIM_PIXELS / canvas.scale;
  return (u, v) => distanceToOutline(part.outline, u, v) < rim;
}

/** The part's own rectangle. */
function ownArea({ halfWidth, halfHeight }: Outline): PixelArea {
  return { left: -halfWidth, right: halfWidth, top: -halfHeight, bottom: halfHeight };
}

function paintBody(canvas: Canvas, part: Part, light: Light): void {
  const { outline, turn, tint } = part;
  const { red, green, blue, scale, width } = canvas;
  const area = pixelsOf(canvas, outerArea(part, ownArea(outline), SHADOW_SHIFT + SHADOW_RIM + 1));
  if (area.left > area.right) return;
  const surface = surfaceOf(part, light);
  for (let y = area.top; y <= area.bottom; y++) {
    const dy = beltY(canvas, y) - part.y;
    for (let x = area.left; x <= area.right; x++) {
      const dx = beltX(canvas, x) - part.x;
      const u = dx * turn.cos + dy * turn.sin;
      const v = dy * turn.cos - dx * turn.sin;
      const index = y * width + x;
      const distance = distanceToOutline(outline, u, v);
      if (distance * scale > 0.7) {
        if (distance < SHADOW_SHIFT + SHADOW_RIM) shade(canvas, index, shadowAt(part, light, dx, dy));
        continue;
      }
      const cover = clamp01(0.5 - distance * scale);
      const luma =
        surface(u, v, dx, dy) + (distance > -BEVEL ? (1 + distance / BEVEL) * slopeAt(part, light, u, v) : 0);
      red[index] = red[index]! * (1 - cover) + luma * tint[0] * cover;
      green[index] = green[index]! * (1 - cover) + luma * tint[1] * cover;
      blue[index] = blue[index]! * (1 - cover) + luma * tint[2] * cover;
    }
  }
}

function shade(canvas: Canvas, index: number, factor: number): void {
  canvas.red[index]! *= factor;
  canvas.green[index]! *= factor;
  canvas.blue[index]! *= factor;
}

function shadowAt({ outline, turn }: Part, light: Light, dx: number, dy: number): number {
  const sx = dx + light.x * SHADOW_SHIFT;
  const sy = dy + light.y * SHADOW_SHIFT;
  const distance = distanceToOutline(outline, sx * turn.cos + sy * turn.sin, sy * turn.cos - sx * turn.sin);
  return 1 - 0.5 * smoothStep(SHADOW_RIM, -3, distance);
}

/** The rim slopes down over BEVEL units: bright where it faces the light. */
function slopeAt({ outline, turn }: Part, light: Light, u: number, v: number): number {
  const e = 0.8;
  const gradientU = distanceToOutline(outline, u + e, v) - distanceToOutline(outline, u - e, v);
  const gradientV = distanceToOutline(outline, u, v + e) - distanceToOutline(outline, u, v - e);
  const nx = gradientU * turn.cos - gradientV * turn.sin;
  const ny = gradientU * turn.sin + gradientV * turn.cos;
  return (0.16 * (nx * light.x + ny * light.y)) / (2 * e);
}

/** Brightness of the surface: (u, v) in the part's coordinates, (dx, dy) from its centre along the belt's axes. */
type Surface = (u: number, v: number, dx: number, dy: number) => number;

function surfaceOf(part: Part, light: Light): Surface {
  const texture = part.type === 'flange' ? turnedTexture(part, light) : brushedTexture(part);
  const patches = noiseOver(part, part.seed + 9, [0.03, 0.03]);
  const isGlossy = part.type !== 'pcb';
  return (u, v, dx, dy) => {
    const gradient = (0.07 * (dx * light.x + dy * light.y)) / 90;
    const luma = part.base + texture(u, v, dx, dy) + 0.022 * sampleNoise(patches, u * 0.03, v * 0.03) + gradient;
    if (!isGlossy) return luma;
    const streak = (dx * 0.8 - dy * 0.6 + 26) / 38;
    return luma + 0.06 * exponential(-streak * streak);
  };
}

function brushedTexture(part: Part): Surface {
  const coarse = noiseOver(part, part.seed, [0.035, 1.1]);
  const fine = noiseOver(part, part.seed + 3, [0.12, 0.8]);
  return (u, v) => part.brush * (sampleNoise(coarse, u * 0.035, v * 1.1) + 0.5 * sampleNoise(fine, u * 0.12, v * 0.8));
}

/** Concentric tool marks, and the bow-tie highlight that a turned face shows. */
function turnedTexture(part: Part, light: Light): Surface {
  const rim = part.outline.halfWidth + 2;
  const marks = createNoiseGrid(part.seed, { left: 0, right: rim * 1.15, top: -7, bottom: 7 });
  return (u, v, dx, dy) => {
    const radius = Math.sqrt(u * u + v * v);
    const towards = (dx * light.x + dy * light.y) / (radius + 1e-9);
    const bowTie = 2 * towards * towards - 1;
    const mark = sampleNoise(marks, radius * 1.15, angleOf(v, u) * 2.2);
    return part.brush * mark + 0.075 * bowTie * Math.abs(bowTie);
  };
}

function noiseOver({ outline }: Part, seed: number, [perU, perV]: readonly [number, number]): NoiseGrid {
  const right = (outline.halfWidth + 2) * perU;
  const bottom = (outline.halfHeight + 2) * perV;
  return createNoiseGrid(seed, { left: -right, right, top: -bottom, bottom });
}
