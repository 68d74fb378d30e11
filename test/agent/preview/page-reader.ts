// Reads the preview page as a browser without scripts would: facts, legend, boxes, and the picture's own bytes.

export type Rect = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

export type Bitmap = {
  readonly width: number;
  readonly height: number;
  /** Distinct colours among the first thousands of pixels. */
  readonly colours: number;
  readonly pixel: (x: number, y: number) => readonly [red: number, green: number, blue: number];
};

export type SeenPage = {
  readonly text: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly legend: readonly string[];
  readonly rects: readonly Rect[];
  readonly bitmap: Bitmap | null;
};

const DEADLINE_MS = 60_000;
const AGAIN_MS = 200;

/** Asks again until the page is as wanted. */
export async function readPage(url: string, isWanted: (page: SeenPage) => boolean): Promise<SeenPage> {
  const endMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const page = await readOnce(url);
    if (isWanted(page)) return page;
    if (performance.now() > endMs)
      throw new Error(`the page did not become so within ${DEADLINE_MS} ms:\n${page.text}`);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function readOnce(url: string): Promise<SeenPage> {
  const text = await (await fetch(url)).text();
  const source = /<img src="([^"]+)"/.exec(text)?.[1];
  const response = source === undefined ? null : await fetch(new URL(source, url));
  const bitmap = response?.ok ? readBitmap(Buffer.from(await response.arrayBuffer())) : null;
  return { text, bitmap, facts: factsOf(text), legend: legendOf(text), rects: rectsOf(text) };
}

function factsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(([, name, value]) => [name, value]),
  );
}

function legendOf(text: string): readonly string[] {
  const list = /<ul class="legend">(.*?)<\/ul>/.exec(text)?.[1] ?? '';
  return [...list.matchAll(/<li class="\w+">(.*?)<\/li>/g)].map(([, entry]) => entry ?? '');
}

export function rectsOf(text: string): readonly Rect[] {
  const found = text.matchAll(/<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/g);
  return [...found].map(([, x, y, width, height]) => {
    return { x: Number(x), y: Number(y), width: Number(width), height: Number(height) };
  });
}

/** Uncompressed, 24 bits, from the bottom up: what the format's own description says, not what the agent's writer does. */
export function readBitmap(bytes: Buffer): Bitmap {
  const [magic, size, bits] = [bytes.toString('latin1', 0, 2), bytes.readUInt32LE(2), bytes.readUInt16LE(28)];
  if (magic !== 'BM' || size !== bytes.length || bits !== 24) throw new Error(`no bitmap: ${magic} ${size} ${bits}`);
  const [start, width, height] = [bytes.readUInt32LE(10), bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const rowBytes = (bytes.length - start) / height;
  const pixel = (x: number, y: number): readonly [number, number, number] => {
    const at = start + (height - 1 - y) * rowBytes + x * 3;
    return [bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0];
  };
  const sample = Array.from({ length: 4096 }, (_, index) => pixel((index * 37) % width, (index * 61) % height).join());
  return { width, height, pixel, colours: new Set(sample).size };
}
