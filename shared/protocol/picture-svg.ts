// A picture with what was found drawn into it, as one SVG that needs nothing else. Arms differ in colour and in the kind of line,
// so that nobody needs to see colours; what only one of them has found is marked. Pure, without zod: pages draw with it too.
import type { KeptPicture } from './api-pictures.ts';

type Shown = Pick<KeptPicture, 'width' | 'height' | 'arms' | 'jpeg'>;
type ShownObject = KeptPicture['arms'][number]['objects'][number];

/** One object as it is drawn: where its box lies, and its words beside it. */
export type DrawnObject = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly words: string;
  readonly textX: number;
  readonly textY: number;
  readonly anchor: 'start' | 'end';
  readonly isDisputed: boolean;
};

/** Of 640 px it is a letter of 18. */
export function letterPx(height: number): number {
  return Math.max(6, Math.round(height / 36));
}

/** Null: it has no place, it is said of the whole picture. */
export function drawnObject(
  { box, label, score, isDisputed }: ShownObject,
  arm: string,
  picture: Pick<Shown, 'width' | 'height'>,
): DrawnObject | null {
  if (box === null) return null;
  const [x, y, width, height] = box.map(rounded) as [number, number, number, number];
  const letter = letterPx(picture.height);
  // Each arm writes at its own edge, and inside where that is the edge of the picture.
  const above = y - 3 < letter ? y + letter : y - 3;
  const below = y + height + letter > picture.height ? y + height - 3 : y + height + letter;
  const isRight = x + width / 2 > picture.width / 2;
  const words = `${isDisputed ? '≠ ' : ''}${label} ${Math.round(score * 100)} %`;
  const text = { textX: rounded(isRight ? x + width : x), textY: rounded(arm === 'baseline' ? above : below) };
  return { x, y, width, height, words, ...text, anchor: isRight ? 'end' : 'start', isDisputed };
}

const STYLE =
  'rect{fill:none;stroke-width:2}text{paint-order:stroke;stroke:#000;stroke-width:3;font-family:sans-serif}' +
  '.baseline rect{stroke:#4cc2ff}.baseline text{fill:#4cc2ff}' +
  '.candidate rect{stroke:#ffb84c;stroke-dasharray:6 3}.candidate text{fill:#ffb84c}.disputed rect{stroke-width:4}';

export function pictureSvg({ width, height, arms, jpeg }: Shown): string {
  const shapes = arms.flatMap(({ arm, objects }) =>
    objects.flatMap((object) => {
      const drawn = drawnObject(object, arm, { width, height });
      return drawn === null ? [] : [shapeOf(drawn, arm, letterPx(height))];
    }),
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<style>${STYLE}</style><image href="data:image/jpeg;base64,${jpeg}" width="${width}" height="${height}"/>` +
    `${shapes.join('')}</svg>\n`
  );
}

function shapeOf(drawn: DrawnObject, arm: string, letter: number): string {
  const { x, y, width, height, words, textX, textY, anchor, isDisputed } = drawn;
  const text = words.replaceAll(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return (
    `<g class="${arm}${isDisputed ? ' disputed' : ''}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/>` +
    `<text x="${textX}" y="${textY}" text-anchor="${anchor}" font-size="${letter}">${text}</text></g>`
  );
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0;
}
