// What was found, drawn over the picture as SVG in the picture's own pixels. Arms differ in colour and in the kind of
// line, so that nobody needs to see colours; what only one arm has found is filled and marked. Pure.
import { drawnObject, letterPx } from '../../shared/protocol/picture-svg.ts';
import type { ShownArm, ShownObject } from './compare-arms.ts';
import { escapeHtml } from './escape.ts';

type Size = { readonly width: number; readonly height: number };

export function overlaySvg(arms: readonly ShownArm[], { width, height }: Size): string {
  const shapes = arms.flatMap(({ arm, objects }) => objects.map((object) => shapeOf(arm, object, { width, height })));
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="what was found">${shapes.join('')}</svg>`;
}

function shapeOf(arm: ShownArm['arm'], object: ShownObject, frame: Size): string {
  const drawn = drawnObject({ ...object, box: object.box && [...object.box] }, arm, frame);
  if (drawn === null) return '';
  const { x, y, width, height, words, textX, textY, anchor, isDisputed } = drawn;
  return (
    `<g class="${arm}${isDisputed ? ' disputed' : ''}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/>` +
    `<text x="${textX}" y="${textY}" text-anchor="${anchor}" font-size="${letterPx(frame.height)}">${escapeHtml(words)}</text></g>`
  );
}
