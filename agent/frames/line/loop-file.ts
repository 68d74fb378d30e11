// The file a camera loop is kept in: JPEGs (or bare pixels) end to end, and beside it a sidecar (NDJSON) that says where
// each one lies and what is true of it. Reading checks every number: a loop may have been cut off, edited or swapped.
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { z } from 'zod';
import { BelayError } from '../../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../../shared/basics/parsing.ts';

/** A fault of a loop's files or of the request to make one. `code`: loop-missing, loop-malformed, loop-request. */
export class LoopError extends BelayError {}

export const LOOP_FORMAT = 'belay-loop/1';
/** Twenty minutes at 15 frames a second; more is no longer a loop. */
export const LOOP_FRAMES_MAX = 18_000;
/** 4 KB of truth a frame, ten times what is seen in practice. */
const SIDECAR_BYTES_MAX = LOOP_FRAMES_MAX * 4096;
const FRAME_BYTES_MAX = 8 * 1024 * 1024;

const pixel = z.number().finite();
const boxSchema = z.object({
  classId: z.number().int().min(0),
  partId: z.number().int(),
  defectId: z.number().int(),
  x: pixel,
  y: pixel,
  w: pixel.positive(),
  h: pixel.positive(),
  visible: z.number().min(0).max(1),
  lengthPx: pixel.positive().optional(),
  small: z.boolean(),
});
const partSchema = z.object({
  partId: z.number().int(),
  type: z.enum(['plate', 'flange', 'pcb']),
  x: pixel,
  y: pixel,
});
const truthSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('line'), parts: z.array(partSchema), boxes: z.array(boxSchema) }),
  z.object({ kind: z.literal('lot-code'), text: z.string().min(1).max(64) }),
]);
const headerSchema = z.object({
  format: z.literal(LOOP_FORMAT),
  kind: z.enum(['line', 'lot-code']),
  /** Hash of everything the loop was made from. */
  key: z.string().min(1),
  /** `raw`: rows of RGB (grey for lot codes), 8 bits each: a camera that needs no decoding. */
  encoding: z.enum(['jpeg', 'raw']).default('jpeg'),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  frameCount: z.number().int().min(1).max(LOOP_FRAMES_MAX),
  bytes: z.number().int().positive(),
});
const entrySchema = z.object({
  offset: z.number().int().min(0),
  length: z.number().int().min(4).max(FRAME_BYTES_MAX),
  truth: truthSchema,
});

/** Of a frame without compression. */
export type RawShape = { readonly width: number; readonly height: number; readonly channels: 1 | 3 };

/** What is true of one frame. */
export type LoopTruth = z.infer<typeof truthSchema>;
export type LoopHeader = z.infer<typeof headerSchema>;
export type LoopEntry = z.infer<typeof entrySchema>;

export type Loop = {
  readonly kind: LoopHeader['kind'];
  readonly key: string;
  readonly frameCount: number;
  readonly width: number;
  readonly height: number;
  /** Null: its frames are JPEGs. */
  readonly raw: RawShape | null;
  /** Frame i, 0 .. frameCount - 1. Throws LoopError when the file was cut off or overwritten meanwhile. */
  readonly read: (index: number) => Buffer;
  readonly truth: (index: number) => LoopTruth;
  readonly close: () => void;
};

export const sidecarOf = (path: string): string => `${path}.truth`;

/** Opens a loop written by renderLoop or renderLotCodeLoop. Throws LoopError when it is missing or malformed. */
export function openLoop(path: string): Loop {
  const { header, entries } = readSidecar(path);
  const raw = header.encoding === 'raw' ? rawShapeOf(header) : null;
  const fd = openData(path, header.bytes);
  const entryAt = (index: number): LoopEntry => {
    const entry = entries[index];
    if (entry === undefined) throw new RangeError(`loop ${path} has no frame ${index} of ${header.frameCount}`);
    return entry;
  };
  return {
    kind: header.kind,
    key: header.key,
    frameCount: header.frameCount,
    width: header.width,
    height: header.height,
    raw,
    read: (index) => readFrame({ fd, path, raw }, entryAt(index)),
    truth: (index) => entryAt(index).truth,
    close: () => closeSync(fd),
  };
}

function openData(path: string, bytes: number): number {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw missing(path, error);
  }
  const found = fstatSync(fd).size;
  if (found === bytes) return fd;
  closeSync(fd);
  throw malformed(path, `holds ${found} bytes where its sidecar promises ${bytes}`);
}

function rawShapeOf({ kind, width, height }: LoopHeader): RawShape {
  return { width, height, channels: kind === 'line' ? 3 : 1 };
}

type OpenData = { readonly fd: number; readonly path: string; readonly raw: RawShape | null };

function readFrame({ fd, path, raw }: OpenData, { offset, length }: LoopEntry): Buffer {
  // With memory of its own, which can be given back.
  const frame = Buffer.allocUnsafeSlow(length);
  const isWhole = readSync(fd, frame, 0, length, offset) === length && (raw ? isPixels(frame, raw) : isJpeg(frame));
  if (!isWhole) throw malformed(path, `holds no whole ${raw ? 'picture' : 'JPEG'} at byte ${offset}`);
  return frame;
}

function isPixels(frame: Buffer, { width, height, channels }: RawShape): boolean {
  return frame.length === width * height * channels;
}

function isJpeg(frame: Buffer): boolean {
  return frame.readUInt16BE(0) === 0xffd8 && frame.readUInt16BE(frame.length - 2) === 0xffd9;
}

type Sidecar = { readonly header: LoopHeader; readonly entries: readonly LoopEntry[] };

function readSidecar(path: string): Sidecar {
  const [first, ...rest] = readText(path).split('\n');
  const header = parseLine(path, headerSchema, { text: first ?? '', line: 1 });
  if (rest.at(-1) !== '') throw malformed(path, 'has a sidecar without its last line end: it was cut off');
  const lines = rest.slice(0, -1);
  if (lines.length !== header.frameCount) {
    throw malformed(path, `has a sidecar of ${lines.length} frames where its header promises ${header.frameCount}`);
  }
  const entries = lines.map((text, i) => parseLine(path, entrySchema, { text, line: i + 2 }));
  assertContiguous(path, header, entries);
  return { header, entries };
}

function readText(path: string): string {
  const sidecar = sidecarOf(path);
  try {
    const { size } = statSync(sidecar);
    if (size > SIDECAR_BYTES_MAX) throw malformed(path, `has a sidecar of ${size} bytes, over ${SIDECAR_BYTES_MAX}`);
    return readFileSync(sidecar, 'utf8');
  } catch (error) {
    throw error instanceof LoopError ? error : missing(sidecar, error);
  }
}

function parseLine<T>(path: string, schema: z.ZodType<T>, { text, line }: { text: string; line: number }): T {
  const parsed = parseJson(schema, text);
  if (parsed.ok) return parsed.value;
  throw malformed(path, `has a sidecar whose line ${line} is wrong: ${describeProblems(parsed.problems)}`);
}

/** Frames must follow one another from byte 0 to the promised end, all of the header's kind. */
function assertContiguous(path: string, header: LoopHeader, entries: readonly LoopEntry[]): void {
  let end = 0;
  for (const [index, { offset, length, truth }] of entries.entries()) {
    if (offset !== end) throw malformed(path, `puts frame ${index} at byte ${offset}, not ${end}`);
    if (truth.kind !== header.kind) throw malformed(path, `mixes ${truth.kind} truth into a ${header.kind} loop`);
    end = offset + length;
  }
  if (end !== header.bytes) throw malformed(path, `indexes ${end} of ${header.bytes} bytes`);
}

function missing(path: string, cause: unknown): LoopError {
  return new LoopError('loop-missing', `Opening camera loop ${path}: it cannot be read. Render it again.`, { cause });
}

function malformed(path: string, what: string): LoopError {
  return new LoopError('loop-malformed', `Reading camera loop ${path}: it ${what}. Delete it and render it again.`);
}
