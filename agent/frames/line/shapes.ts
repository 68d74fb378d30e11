// Geometry of parts and strokes in belt units: signed distances (negative inside) and hand-drawn polylines.
import { cosine, sine } from './exact-math.ts';
import type { Random } from './random.ts';

export type Hole = { readonly x: number; readonly y: number; readonly radius: number };

/** A rounded rectangle, or a disc when `corner` equals both half sizes; drilled by `holes`. */
export type Outline = {
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly corner: number;
  readonly holes: readonly Hole[];
};

/** A polyline with a brightness step `amp` that fades along its points. */
export type Stroke = {
  /** x0, y0, x1, y1, … */
  readonly points: readonly number[];
  readonly width: number;
  readonly amp: number;
  /** One factor per point. */
  readonly fade: readonly number[];
};

export type Bounds = { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };

/** Signed distance to the outline's rim, holes included. */
export function distanceToOutline(outline: Outline, x: number, y: number): number {
  const { corner, holes } = outline;
  const qx = (x < 0 ? -x : x) - outline.halfWidth + corner;
  const qy = (y < 0 ? -y : y) - outline.halfHeight + corner;
  let distance = distanceToCorner(qx, qy) - corner;
  for (let i = 0; i < holes.length; i++) {
    const hole = holes[i]!;
    const dx = x - hole.x;
    const dy = y - hole.y;
    const reach = hole.radius - distance;
    const squared = dx * dx + dy * dy;
    // Only a hole nearer than the rim found so far needs its square root.
    if (reach > 0 && squared < reach * reach) distance = hole.radius - Math.sqrt(squared);
  }
  return distance;
}

function distanceToCorner(qx: number, qy: number): number {
  if (qx > 0 && qy > 0) return Math.sqrt(qx * qx + qy * qy);
  return qx > qy ? qx : qy;
}

export type PolylineShape = {
  readonly x: number;
  readonly y: number;
  readonly length: number;
  readonly angle: number;
  readonly steps: number;
  /** Deviation of the direction per step, radians. */
  readonly jitter: number;
  /** Total turn over the whole line, radians. */
  readonly curve: number;
};

/** Walks `steps` equal steps, turning a little at each. */
export function drawPolyline(random: Random, shape: PolylineShape): readonly number[] {
  const points = [shape.x, shape.y];
  const step = shape.length / shape.steps;
  let { x, y, angle } = shape;
  for (let i = 0; i < shape.steps; i++) {
    angle += shape.curve / shape.steps + random.gauss() * shape.jitter;
    x += cosine(angle) * step;
    y += sine(angle) * step;
    points.push(x, y);
  }
  return points;
}

export function drawFade(random: Random, points: number, faintest: number): readonly number[] {
  return Array.from({ length: points }, () => random.range(faintest, 1));
}

export function boundsOf(stroke: Stroke): Bounds {
  const xs = stroke.points.filter((_, i) => i % 2 === 0);
  const ys = stroke.points.filter((_, i) => i % 2 === 1);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

export type Nearest = { distance: number; fade: number };

/** Writes distance and fade of the stroke's point nearest to (x, y) into `out` (reused: this runs per pixel). */
export function nearestOnStroke(stroke: Stroke, x: number, y: number, out: Nearest): void {
  const { points, fade } = stroke;
  let best = 1e9;
  let bestFade = 1;
  for (let i = 0; i + 3 < points.length; i += 2) {
    const ax = points[i]!;
    const ay = points[i + 1]!;
    const bx = points[i + 2]! - ax;
    const by = points[i + 3]! - ay;
    const along = ((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by + 1e-9);
    const t = along < 0 ? 0 : along > 1 ? 1 : along;
    const dx = x - ax - t * bx;
    const dy = y - ay - t * by;
    const squared = dx * dx + dy * dy;
    if (squared >= best) continue;
    best = squared;
    const from = fade[i >> 1]!;
    bestFade = from + (fade[(i >> 1) + 1]! - from) * t;
  }
  out.distance = Math.sqrt(best);
  out.fade = bestFade;
}
