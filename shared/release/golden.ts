// The golden set of a model name: labelled frames that every release of it is tried on, on the device itself.
// Packed file (`golden/frames.bin`): 8 bytes magic, u32 LE length of the JSON index, the index, then the pictures end to end.
// The expectation file is JSON: the release's own reference answers on the first frames (numeric proof of runtime and decoding).
import { z } from 'zod';
import { countSchema } from '../basics/identifiers.ts';
import { type Parsed, parseJson } from '../basics/parsing.ts';
import { answerSchema } from './answers.ts';
import { maskSchema } from './mask.ts';
import type { Mask } from './mask-runs.ts';

export const GOLDEN_MAGIC = 'BELAYGS1';

const truthSchema = z.looseObject({
  label: z.string(),
  box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  size: z.enum(['small', 'large']),
  /** Share of the object inside the picture; objects below one half are neither demanded nor counted against. */
  visible: z.number().min(0).max(1),
});

const indexSchema = z.looseObject({
  schema: z.literal('belay.golden/1'),
  name: z.string(),
  frames: z
    .array(
      z.looseObject({
        offset: countSchema,
        bytes: z.number().int().positive(),
        format: z.enum(['jpeg', 'png']),
        objects: z.array(truthSchema),
        /** Text on the picture (OCR sets). */
        text: z.string().optional(),
        /** Pixels of each class; with them segmenters are scored by pixels, not by boxes. */
        mask: maskSchema.optional(),
      }),
    )
    .min(3)
    .max(1000),
});

export const goldenExpectationSchema = z.looseObject({
  schema: z.literal('belay.golden-expectation/1'),
  /** Answers on frames 0..n-1 of the golden set. */
  answers: z.array(answerSchema).min(3),
});

export type GoldenTruth = z.infer<typeof truthSchema>;
export type GoldenIndex = z.infer<typeof indexSchema>;
export type GoldenExpectation = z.infer<typeof goldenExpectationSchema>;
export type GoldenSet = { readonly index: GoldenIndex; picture(frame: number): Uint8Array };

/** A labelled picture before it is packed. */
export type GoldenPicture = {
  readonly picture: Uint8Array;
  readonly format: 'jpeg' | 'png';
  readonly objects: readonly GoldenTruth[];
  readonly text?: string;
  readonly mask?: Mask;
};

const HEADER_BYTES = GOLDEN_MAGIC.length + 4;

/** Packs pictures and truths; the inverse of readGoldenSet. `frames[i]` carries everything of the index but the offset. */
export function packGoldenSet(name: string, frames: readonly GoldenPicture[]): Uint8Array {
  let offset = 0;
  const entries = frames.map(({ picture, ...rest }) => {
    const entry = { ...rest, offset, bytes: picture.byteLength };
    offset += picture.byteLength;
    return entry;
  });
  const index = new TextEncoder().encode(JSON.stringify({ schema: 'belay.golden/1', name, frames: entries }));
  const packed = new Uint8Array(HEADER_BYTES + index.byteLength + offset);
  packed.set(new TextEncoder().encode(GOLDEN_MAGIC), 0);
  new DataView(packed.buffer).setUint32(GOLDEN_MAGIC.length, index.byteLength, true);
  packed.set(index, HEADER_BYTES);
  for (const [i, frame] of frames.entries()) {
    packed.set(frame.picture, HEADER_BYTES + index.byteLength + entries[i]!.offset);
  }
  return packed;
}

/** Reads a packed golden set; any malformed byte is a named problem, never a throw. */
export function readGoldenSet(packed: Uint8Array): Parsed<GoldenSet> {
  if (packed.byteLength < HEADER_BYTES) return refuse(`too short: ${packed.byteLength} bytes`);
  if (new TextDecoder().decode(packed.subarray(0, GOLDEN_MAGIC.length)) !== GOLDEN_MAGIC)
    return refuse('does not begin with BELAYGS1');
  const indexBytes = new DataView(packed.buffer, packed.byteOffset).getUint32(GOLDEN_MAGIC.length, true);
  const picturesAt = HEADER_BYTES + indexBytes;
  if (picturesAt > packed.byteLength) return refuse(`truncated: its index needs ${indexBytes} bytes`);
  const parsed = parseJson(indexSchema, packed.subarray(HEADER_BYTES, picturesAt));
  if (!parsed.ok) return parsed;
  const index = parsed.value;
  const overrun = index.frames.findIndex((frame) => picturesAt + frame.offset + frame.bytes > packed.byteLength);
  if (overrun >= 0) return refuse(`truncated: picture ${overrun} lies beyond the end`);
  const picture = (i: number): Uint8Array => {
    const frame = index.frames[i];
    if (!frame) throw new RangeError(`golden frame ${i} of ${index.frames.length}`);
    return packed.subarray(picturesAt + frame.offset, picturesAt + frame.offset + frame.bytes);
  };
  return { ok: true, value: { index, picture } };
}

function refuse(message: string): Parsed<GoldenSet> {
  return { ok: false, problems: [{ path: 'golden', message }] };
}
