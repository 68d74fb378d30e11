// A window onto the belt: linear light per pixel, and what lies there. Painters write it, the camera reads it.
import type { Stroke } from './shapes.ts';
import { boundsOf, type Nearest, nearestOnStroke } from './shapes.ts';

export type Canvas = {
  readonly width: number;
  readonly height: number;
  /** Pixels per belt unit. */
  readonly scale: number;
  /** Belt position of canvas column x, in units, is (x + column) / scale + phase. */
  readonly column: number;
  readonly phase: number;
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  /** Defect class + 1, 0 where sound. */
  readonly mask: Uint8Array;
  /** Defect id, -1 where sound. */
  readonly defectIds: Int32Array;
};

export type CanvasPlace = Pick<Canvas, 'width' | 'height' | 'scale' | 'column' | 'phase'>;

export function createCanvas(place: CanvasPlace): Canvas {
  const pixels = place.width * place.height;
  return {
    ...place,
    red: new Float32Array(pixels),
    green: new Float32Array(pixels),
    blue: new Float32Array(pixels),
    mask: new Uint8Array(pixels),
    defectIds: new Int32Array(pixels).fill(-1),
  };
}

/** Belt position of a pixel column and row, in units. */
export const beltX = (canvas: CanvasPlace, x: number): number => (x + canvas.column) / canvas.scale + canvas.phase;
export const beltY = (canvas: CanvasPlace, y: number): number => y / canvas.scale;

/** Pixels, both ends included; empty when left > right or top > bottom. */
export type PixelArea = {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

/** The pixels that a rectangle of the belt (units) touches, cut to the canvas. */
export function pixelsOf(canvas: CanvasPlace, area: PixelArea): PixelArea {
  const { scale, column, phase, width, height } = canvas;
  return {
    left: Math.max(0, Math.floor((area.left - phase) * scale) - column),
    right: Math.min(width - 1, Math.ceil((area.right - phase) * scale) - column),
    top: Math.max(0, Math.floor(area.top * scale)),
    bottom: Math.min(height - 1, Math.ceil(area.bottom * scale)),
  };
}

/** Where a thing's own coordinates lie on the belt. */
export type Frame = {
  readonly x: number;
  readonly y: number;
  readonly turn: { readonly cos: number; readonly sin: number };
};

/** The belt rectangle around a rectangle of `frame`'s own coordinates, `margin` units wider on each side. */
export function outerArea(frame: Frame, own: PixelArea, margin: number): PixelArea {
  const { cos, sin } = frame.turn;
  const middleU = (own.left + own.right) / 2;
  const middleV = (own.top + own.bottom) / 2;
  const halfU = (own.right - own.left) / 2;
  const halfV = (own.bottom - own.top) / 2;
  const x = frame.x + middleU * cos - middleV * sin;
  const y = frame.y + middleU * sin + middleV * cos;
  const reachX = Math.abs(halfU * cos) + Math.abs(halfV * sin) + margin;
  const reachY = Math.abs(halfU * sin) + Math.abs(halfV * cos) + margin;
  return { left: x - reachX, right: x + reachX, top: y - reachY, bottom: y + reachY };
}

/** Called for a pixel near a stroke, with its distance (units) and the stroke's fade there. */
export type StrokePaint = (index: number, distance: number, fade: number) => void;

export type StrokeRequest = {
  readonly frame: Frame;
  readonly stroke: Stroke;
  /** How far from the line the paint reaches, units. */
  readonly reach: number;
  /** Pixels outside are left alone; (u, v) are the frame's own coordinates. */
  readonly isInside: (u: number, v: number) => boolean;
};

export function eachPixelNear(canvas: Canvas, request: StrokeRequest, paint: StrokePaint): void {
  const { frame, stroke, reach, isInside } = request;
  const { cos, sin } = frame.turn;
  const area = pixelsOf(canvas, outerArea(frame, boundsOf(stroke), reach));
  const nearest: Nearest = { distance: 0, fade: 1 };
  for (let y = area.top; y <= area.bottom; y++) {
    const dy = beltY(canvas, y) - frame.y;
    for (let x = area.left; x <= area.right; x++) {
      const dx = beltX(canvas, x) - frame.x;
      const u = dx * cos + dy * sin;
      const v = dy * cos - dx * sin;
      nearestOnStroke(stroke, u, v, nearest);
      if (nearest.distance < reach && isInside(u, v)) paint(y * canvas.width + x, nearest.distance, nearest.fade);
    }
  }
}

/** Adds the same light to all three colours. */
export function brighten(canvas: Canvas, index: number, light: number): void {
  canvas.red[index]! += light;
  canvas.green[index]! += light;
  canvas.blue[index]! += light;
}
