// Contact sheets of the synthetic line for people to look at: frames with their truth, drift conditions, demo lines, lot
// codes. Writes PNG files to .cache/preview (or the folder given) and nothing else.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { CONDITION_NAMES, conditionNamed, NOMINAL } from '../../agent/frames/line/conditions.ts';
import { conditionOf, PRODUCTION_LINES } from '../../agent/frames/line/lines.ts';
import { renderLotCode } from '../../agent/frames/line/lot-code.ts';
import { type Frame, renderFrame, sampleFrame } from '../../agent/frames/line/scene.ts';

type Tile = { readonly rgb: Uint8Array; readonly width: number; readonly height: number };

/** Scratch, dent, micro-crack, spill. */
const CLASS_COLOURS = [
  [255, 60, 60],
  [60, 160, 255],
  [255, 230, 0],
  [180, 60, 255],
] as const;
const LOOP_PARTS = 10;
const SIZE = 256;

async function preview(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeSheet(join(folder, 'frames.png'), sampleTiles(), 8);
  await writeSheet(join(folder, 'conditions.png'), conditionTiles(), 4);
  await writeSheet(join(folder, 'lines.png'), lineTiles(), 8);
  await writeSheet(join(folder, 'lot-codes.png'), lotCodeTiles(), 4);
  process.stdout.write(`contact sheets in ${folder}\n`);
}

/** Each sampled frame beside its truth; every sixth shows the part no model was trained on. */
function sampleTiles(): readonly Tile[] {
  return Array.from({ length: 16 }, (_, i) => {
    const frame = sampleFrame(5000 + i, { parts: i % 6 === 5 ? ['pcb'] : NOMINAL.parts });
    return [pictureOf(frame), truthPictureOf(frame)];
  }).flat();
}

function conditionTiles(): readonly Tile[] {
  return CONDITION_NAMES.map((name) => {
    const condition = conditionNamed(name, { ...NOMINAL, dirtSeed: 103 });
    return pictureOf(renderFrame({ worldSeed: 7_000_003, beltOffset: 1180, condition }));
  });
}

/** Four frames of every demo line, each with its truth. */
function lineTiles(): readonly Tile[] {
  return PRODUCTION_LINES.flatMap((line) =>
    [472, 944, 1416, 1888].flatMap((middle) => {
      const request = { worldSeed: line.worldSeed, mix: line.mix, condition: conditionOf(line), loopParts: LOOP_PARTS };
      const frame = renderFrame({ ...request, beltOffset: middle - SIZE / 2 });
      return [pictureOf(frame), truthPictureOf(frame)];
    }),
  );
}

function lotCodeTiles(): readonly Tile[] {
  return Array.from({ length: 32 }, (_, i) => {
    const { grey, width, height } = renderLotCode({ seed: 6_000_000 + i });
    return { rgb: Uint8Array.from({ length: grey.length * 3 }, (_, k) => grey[Math.floor(k / 3)] ?? 0), width, height };
  });
}

const pictureOf = ({ rgb, size }: Frame): Tile => ({ rgb, width: size, height: size });

/** The frame darkened, its mask in class colours, its boxes drawn. */
function truthPictureOf(frame: Frame): Tile {
  const rgb = Uint8Array.from(frame.rgb, (value) => value >> 2);
  const tile = pictureOf({ ...frame, rgb });
  for (let i = 0; i < frame.mask.length; i++) paintPixel(tile, i, frame.mask[i] ?? 0);
  for (const box of frame.boxes) paintBox(tile, box);
  return tile;
}

function paintPixel({ rgb }: Tile, index: number, maskValue: number): void {
  const colour = CLASS_COLOURS[maskValue - 1];
  if (colour !== undefined) rgb.set(colour, index * 3);
}

function paintBox(tile: Tile, { classId, ...box }: Frame['boxes'][number]): void {
  const [left, top] = [Math.floor(box.x), Math.floor(box.y)];
  const right = Math.min(tile.width - 1, Math.floor(box.x + box.w));
  const bottom = Math.min(tile.height - 1, Math.floor(box.y + box.h));
  for (let x = left; x <= right; x++) {
    for (const y of [top, bottom]) paintPixel(tile, y * tile.width + x, classId + 1);
  }
  for (let y = top; y <= bottom; y++) {
    for (const x of [left, right]) paintPixel(tile, y * tile.width + x, classId + 1);
  }
}

async function writeSheet(path: string, tiles: readonly Tile[], columns: number): Promise<void> {
  const [first] = tiles;
  if (first === undefined) return;
  const { width, height } = first;
  const rows = Math.ceil(tiles.length / columns);
  const placed = tiles.map((tile, i) => ({
    input: Buffer.from(tile.rgb),
    raw: { width, height, channels: 3 as const },
    left: (i % columns) * width,
    top: Math.floor(i / columns) * height,
  }));
  const create = { width: columns * width, height: rows * height, channels: 3 as const, background: '#222222' };
  await sharp({ create }).composite(placed).png().toFile(path);
}

await preview(process.argv[2] ?? join(import.meta.dirname, '../../.cache/preview'));
