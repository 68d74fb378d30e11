// What the supervisor and a source process say to each other on fd 3, as messages of framing.ts.
//
// The supervisor says:
//   hello   JSON    first, once: the source, the rings, the slots that are held
//   rings   JSON    from now on write into these rings; answered by rings-set
//   release binary  u32 LE slot: nobody reads this slot any more
//   finish  JSON    say the last counts and exit
// The source says:
//   token     binary  a frame lies at a slot of every ring (28 bytes, see encodeToken)
//   rings-set JSON    every token after this one is in the rings of that generation
//   counts    JSON    once a second, and at the end: what was captured and dropped since the start of the process
//   health    JSON    once a second: what the picture says about the camera
//   ended     JSON    a source with an end has been read to it
//   fault     JSON    the source cannot be read; it exits
import { z } from 'zod';
import { countSchema } from '../../shared/basics/identifiers.ts';
import { type Parsed, parseValue } from '../../shared/basics/parsing.ts';
import { inputContractSchema } from '../../shared/release/manifest.ts';
import { sourceSchema } from './camera-source.ts';
import { encodeBinary, encodeJson, type Message } from './framing.ts';
import type { PictureSize } from './geometry.ts';
import { healthSchema } from './health.ts';

const ringsSchema = z
  .array(
    z.looseObject({
      contract: inputContractSchema,
      ring: z.looseObject({ path: z.string(), slots: countSchema, frameBytes: countSchema }),
    }),
  )
  .max(8);

const toSourceSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('hello'),
    source: sourceSchema,
    slots: z.number().int().min(2).max(64),
    /** Slots that are still read after a restart of the source. */
    held: z.array(countSchema),
    generation: countSchema,
    rings: ringsSchema,
  }),
  z.looseObject({ type: z.literal('rings'), generation: countSchema, rings: ringsSchema }),
  z.looseObject({ type: z.literal('finish') }),
]);

/** Why a captured frame was not delivered. */
export const DROP_REASONS = ['no-free-slot', 'late', 'unreadable', 'ring-write'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

const countsSchema = z.looseObject({
  type: z.literal('counts'),
  captured: countSchema,
  delivered: countSchema,
  dropped: z.record(z.enum(DROP_REASONS), countSchema),
});

const fromSourceSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('rings-set'), generation: countSchema }),
  countsSchema,
  z.looseObject({ type: z.literal('health'), health: healthSchema }),
  z.looseObject({ type: z.literal('ended') }),
  z.looseObject({
    type: z.literal('fault'),
    reason: z.enum(['stalled', 'source-unreadable']).default('source-unreadable'),
    detail: z.string().max(2000),
  }),
]);

/** One frame, as the source names it. */
export type SourceToken = {
  readonly type: 'token';
  /** Number of the captured frame since the start of the process; dropped ones have numbers too. */
  readonly seq: number;
  readonly slot: number;
  /** Number of the picture in the source (its ground truth is kept by this number). */
  readonly index: number;
  readonly capturedAtMs: number;
  /** The kernel's monotonic clock (process.hrtime) in milliseconds: comparable between processes of one machine. */
  readonly monotonicMs: number;
  /** Of the picture as it was captured, px. */
  readonly picture: PictureSize;
};

export type SourceCounts = z.infer<typeof countsSchema>;
export type SourceRings = z.infer<typeof ringsSchema>;
export type SourceHello = Extract<z.infer<typeof toSourceSchema>, { type: 'hello' }>;
export type ToSource = z.infer<typeof toSourceSchema> | { readonly type: 'release'; readonly slot: number };
export type FromSource = z.infer<typeof fromSourceSchema> | SourceToken;

const RELEASE_BYTES = 4;
const TOKEN_BYTES = 36;

export function encodeToSource(message: ToSource): Uint8Array {
  if (message.type !== 'release') return encodeJson(message);
  const body = new DataView(new ArrayBuffer(RELEASE_BYTES));
  body.setUint32(0, message.slot, true);
  return encodeBinary(new Uint8Array(body.buffer));
}

export function decodeToSource(message: Message): Parsed<ToSource> {
  if (message.kind === 'json') return parseValue<ToSource>(toSourceSchema, message.value);
  const body = viewOf(message.bytes, RELEASE_BYTES);
  return body ? { ok: true, value: { type: 'release', slot: body.getUint32(0, true) } } : refused('a release');
}

export function encodeFromSource(message: FromSource): Uint8Array {
  return message.type === 'token' ? encodeToken(message) : encodeJson(message);
}

export function decodeFromSource(message: Message): Parsed<FromSource> {
  if (message.kind === 'json') return parseValue<FromSource>(fromSourceSchema, message.value);
  const body = viewOf(message.bytes, TOKEN_BYTES);
  return body ? { ok: true, value: readToken(body) } : refused('a token');
}

/** u32 LE seq, slot, index; f64 LE capturedAtMs, monotonicMs; u32 LE width, height of the picture. */
function encodeToken(token: SourceToken): Uint8Array {
  const body = new DataView(new ArrayBuffer(TOKEN_BYTES));
  body.setUint32(0, token.seq, true);
  body.setUint32(4, token.slot, true);
  body.setUint32(8, token.index, true);
  body.setFloat64(12, token.capturedAtMs, true);
  body.setFloat64(20, token.monotonicMs, true);
  body.setUint32(28, token.picture.width, true);
  body.setUint32(32, token.picture.height, true);
  return encodeBinary(new Uint8Array(body.buffer));
}

function readToken(body: DataView): SourceToken {
  return {
    type: 'token',
    seq: body.getUint32(0, true),
    slot: body.getUint32(4, true),
    index: body.getUint32(8, true),
    capturedAtMs: body.getFloat64(12, true),
    monotonicMs: body.getFloat64(20, true),
    picture: { width: body.getUint32(28, true), height: body.getUint32(32, true) },
  };
}

function viewOf(bytes: Uint8Array, length: number): DataView | null {
  return bytes.byteLength === length ? new DataView(bytes.buffer, bytes.byteOffset, length) : null;
}

function refused(what: string): Extract<Parsed<never>, { ok: false }> {
  return { ok: false, problems: [{ path: '', message: `${what} of the wrong length` }] };
}
