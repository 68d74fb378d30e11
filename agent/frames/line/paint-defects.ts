// Paints a part's defects, and marks in mask and defectIds the pixels that count as defective.
import type { Canvas } from './canvas.ts';
import { beltX, beltY, brighten, eachPixelNear, pixelsOf } from './canvas.ts';
import type { Defect, Ellipse } from './defects.ts';
import { angleOf, clamp01, cosine, exponential, sine, smoothStep } from './exact-math.ts';
import { noiseAt } from './noise.ts';
import { insideOf, type Light } from './paint-part.ts';
import type { Part } from './parts.ts';
import type { Stroke } from './shapes.ts';

type Paint = {
  readonly canvas: Canvas;
  readonly part: Part;
  readonly light: Light;
  readonly isInside: (u: number, v: number) => boolean;
};

export function paintDefects(canvas: Canvas, part: Part, light: Light): void {
  const paint = { canvas, part, light, isInside: insideOf(canvas, part) };
  for (const defect of part.defects) paintDefect(paint, defect);
}

function paintDefect(paint: Paint, defect: Defect): void {
  switch (defect.kind) {
    case 'scratch':
      paintScratch(paint, defect, defect.stroke);
      return;
    case 'dent':
      paintDent(paint, defect, defect);
      return;
    case 'micro-crack':
      for (const stroke of defect.strokes) paintCrack(paint, defect, stroke);
      return;
    case 'spill':
      paintSpill(paint, defect, defect);
      return;
  }
}

function mark(canvas: Canvas, index: number, defect: Defect): void {
  canvas.mask[index] = defect.classId + 1;
  canvas.defectIds[index] = defect.defectId;
}

/** A bright groove between darker shoulders. */
function paintScratch({ canvas, part, isInside }: Paint, defect: Defect, stroke: Stroke): void {
  const { scale } = canvas;
  const half = stroke.width / 2;
  const brush = Math.max(1.3, half + 0.5 / scale);
  const reach = Math.max(brush, half + 1.6);
  eachPixelNear(canvas, { frame: part, stroke, reach, isInside }, (index, distance, fade) => {
    const core = clamp01((half - distance) * scale + 0.5);
    const shoulder = clamp01((half + 1.6 - distance) * scale) - core;
    brighten(canvas, index, stroke.amp * core * fade - 0.09 * fade * Math.max(0, shoulder));
    if (distance < brush) mark(canvas, index, defect);
  });
}

/** Thin and dark; the mask's brush is 3 units wide, or nothing could learn it. */
function paintCrack({ canvas, part, isInside }: Paint, defect: Defect, stroke: Stroke): void {
  const { scale } = canvas;
  const reach = Math.max(1.5, stroke.width / 2 + 0.55 / scale);
  eachPixelNear(canvas, { frame: part, stroke, reach, isInside }, (index, distance, fade) => {
    brighten(canvas, index, clamp01((stroke.width / 2 - distance) * scale + 0.55) * fade * stroke.amp);
    if (distance < 1.5) mark(canvas, index, defect);
  });
}

type Blob = { readonly ellipse: Ellipse; readonly amp: number };

/** (a, b): position in the ellipse's own axes, 1 at its rim. */
type BlobPaint = (index: number, a: number, b: number) => void;

function eachPixelAround(paint: Paint, defect: Defect, ellipse: Ellipse, draw: BlobPaint): void {
  const { canvas, part, isInside } = paint;
  const { cos, sin } = part.turn;
  const turn = { cos: cosine(ellipse.turn), sin: sine(ellipse.turn) };
  const reach = Math.max(ellipse.radiusX, ellipse.radiusY) * 1.7;
  const x = part.x + defect.x * cos - defect.y * sin;
  const y = part.y + defect.x * sin + defect.y * cos;
  const area = pixelsOf(canvas, { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach });
  for (let row = area.top; row <= area.bottom; row++) {
    const dy = beltY(canvas, row) - part.y;
    for (let column = area.left; column <= area.right; column++) {
      const dx = beltX(canvas, column) - part.x;
      const u = dx * cos + dy * sin;
      const v = dy * cos - dx * sin;
      if (defect.kind === 'dent' && !isInside(u, v)) continue;
      const a = ((u - defect.x) * turn.cos + (v - defect.y) * turn.sin) / ellipse.radiusX;
      const b = ((v - defect.y) * turn.cos - (u - defect.x) * turn.sin) / ellipse.radiusY;
      draw(row * canvas.width + column, a, b);
    }
  }
}

/** A gaussian bump or hollow, lit by the light's direction. */
function paintDent(paint: Paint, defect: Defect, { ellipse, amp }: Blob): void {
  const { canvas, part, light } = paint;
  const turn = { cos: cosine(ellipse.turn), sin: sine(ellipse.turn) };
  eachPixelAround(paint, defect, ellipse, (index, a, b) => {
    const q = a * a + b * b;
    if (q > 4) return;
    const height = exponential(-q * 1.6);
    const slopeU = -3.2 * height * (a * turn.cos - b * turn.sin);
    const slopeV = -3.2 * height * (a * turn.sin + b * turn.cos);
    const slopeX = slopeU * part.turn.cos - slopeV * part.turn.sin;
    const slopeY = slopeU * part.turn.sin + slopeV * part.turn.cos;
    const lit = amp * (slopeX * light.x + slopeY * light.y) * 0.62;
    brighten(canvas, index, lit - Math.abs(amp) * 0.22 * height);
    if (q < 1.15) mark(canvas, index, defect);
  });
}

/** A brown film with a wobbly rim that catches the light. It may run over holes and onto the belt. */
function paintSpill(paint: Paint, defect: Defect, { ellipse, amp }: Blob): void {
  const { canvas, light } = paint;
  eachPixelAround(paint, defect, ellipse, (index, a, b) => {
    const radius = Math.sqrt(a * a + b * b);
    // Beyond 1 + 0.28 + 0.1 + 0.12 no wobble can reach.
    if (radius > 1.5) return;
    const angle = angleOf(b, a);
    const wobble = 1 + 0.28 * noiseAt(defect.seed, angle * 1.3, 3) + 0.1 * noiseAt(defect.seed + 1, angle * 4, 1);
    const beyond = radius - wobble;
    if (beyond > 0.12) return;
    const film = smoothStep(0.08, -0.12, beyond);
    const rim = 0.05 * exponential(-((beyond + 0.12) * (beyond + 0.12)) / 0.006);
    const ring = (radius - 0.5) / 0.16;
    const gloss = Math.max(0, -(a * light.x + b * light.y) - 0.15) * exponential(-ring * ring) * 0.12;
    const kept = 1 - amp * film;
    canvas.red[index] = canvas.red[index]! * (kept + 0.05 * film) + rim * film + gloss * film;
    canvas.green[index] = canvas.green[index]! * kept + (rim + gloss) * film;
    canvas.blue[index] = canvas.blue[index]! * (kept - 0.09 * film) + (rim + gloss) * film;
    if (beyond < 0) mark(canvas, index, defect);
  });
}
