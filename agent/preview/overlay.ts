// What was found, drawn over the picture as SVG in the picture's own pixels. Arms differ in colour and in the kind of
// line, so that nobody needs to see colours; what only one arm has found is filled and marked. Pure.
import type { ShownArm, ShownObject } from './compare-arms.ts';
import { escapeHtml } from './escape.ts';

type Size = { readonly width: number; readonly height: number };

export function overlaySvg(arms: readonly ShownArm[], { width, height }: Size): string {
  const shapes = arms.flatMap(({ arm, objects }) => objects.map((object) => shapeOf(arm, object, { width, height })));
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="what was found">${shapes.join('')}</svg>`;
}

function shapeOf(arm: ShownArm['arm'], object: ShownObject, frame: Size): string {
  const { box, label, score, isDisputed } = object;
  if (box === null) return '';
  const [x, y, w, h] = box.map(rounded) as [number, number, number, number];
  const size = Math.max(6, Math.round(frame.height / 36));
  // Each arm writes at its own edge, and inside where the edge is the picture's.
  const above = y - 3 < size ? y + size : y - 3;
  const below = y + h + size > frame.height ? y + h - 3 : y + h + size;
  // What lies at the right is written towards the left.
  const [at, anchor] = x + w / 2 > frame.width / 2 ? [rounded(x + w), 'end'] : [x, 'start'];
  const text = `${isDisputed ? '≠ ' : ''}${label} ${Math.round(score * 100)} %`;
  return (
    `<g class="${arm}${isDisputed ? ' disputed' : ''}"><rect x="${x}" y="${y}" width="${w}" height="${h}"/>` +
    `<text x="${at}" y="${rounded(arm === 'baseline' ? above : below)}" text-anchor="${anchor}" font-size="${size}">${escapeHtml(text)}</text></g>`
  );
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0;
}
