// The runner protocol, version 1: what the agent and a runner say to each other on the runner's fd 3. A runner may be
// written in any language: PROTOCOL.md beside this file is the document for that, and `npm run runner:conformance` its test.
// The stream is a Unix socket; agent/frames/framing.ts defines the messages on it.
//
// The agent says:
//   hello  JSON    first, once: what to load and where frames lie
//   frame  binary  u32 LE slot, u32 LE seq: the frame in this slot of the ring is yours until you answer this seq
//   drain  JSON    answer what you have, then exit with code 0
// The runner says:
//   ready  JSON    once, after the session is made and warmed up
//   result JSON    one per frame, in order
//   fault  JSON    with `seq`: instead of that frame's result. Without: it cannot go on, and exits
// The agent sends at most two frames that are not answered. When fd 3 ends, the runner exits. It opens the ring read-only.
import { z } from 'zod';
import { countSchema, digestSchema } from '../../shared/basics/identifiers.ts';
import { describeProblems, type Parsed, parseValue } from '../../shared/basics/parsing.ts';
import { answerSchema } from '../../shared/release/answers.ts';
import { manifestSchema } from '../../shared/release/manifest.ts';
import { encodeBinary, encodeJson, type Message } from '../frames/framing.ts';

export const PROTOCOL = 1;

/** Frames a runner may hold: one running, one queued. */
export const FRAMES_OUTSTANDING_MAX = 2;

export const roleSchema = z.enum(['baseline', 'candidate', 'shadow']);

const helloSchema = z.looseObject({
  type: z.literal('hello'),
  protocol: z.literal(PROTOCOL),
  /** Checked by the agent; the runner need not trust any other copy of it. */
  manifest: manifestSchema,
  /** Folder that holds the files of the manifest, by their `path`. */
  packageDir: z.string().min(1),
  ring: z.looseObject({
    path: z.string().min(1),
    slots: z.number().int().positive(),
    /** One byte per value, in the layout of the input contract; slot n begins at n × frameBytes. */
    frameBytes: z.number().int().positive(),
  }),
  threads: z.number().int().min(1).max(64),
  /** What it is opened as; the agent sets its priority and how readily the kernel may take it. */
  role: roleSchema,
});

const drainSchema = z.looseObject({ type: z.literal('drain') });

/** Far above a day: sums over a window stay finite, whatever a runner says. */
const durationSchema = z.number().nonnegative().max(1e9);

const readySchema = z.looseObject({
  type: z.literal('ready'),
  protocol: z.literal(PROTOCOL),
  /** Name and version of the inference runtime, e.g. `onnxruntime-node 1.30.0`. */
  runtime: z.string().min(1).max(100),
  /** The execution provider that the manifest asked for first, and the one in use. */
  provider: z.looseObject({ asked: z.string(), used: z.string() }),
  /** SHA-256 of the very bytes that were loaded. */
  modelSha256: digestSchema,
  loadMs: durationSchema,
  warmMs: durationSchema,
  rssBytes: countSchema,
});

const resultSchema = z.looseObject({
  type: z.literal('result'),
  seq: countSchema,
  /** From the ring into the input tensor, the model itself, checks and decoding. */
  readMs: durationSchema,
  runMs: durationSchema,
  postMs: durationSchema,
  /** False when the output held a NaN or an infinity; then there is no answer. */
  finite: z.boolean(),
  answer: answerSchema.nullable(),
  borderline: countSchema.max(1e6),
});

export const FAULT_CODES = [
  'bad-hello',
  'wrong-digest',
  'contract-mismatch',
  'provider-unavailable',
  'load-failed',
  'read-failed',
  'run-failed',
  'out-of-memory',
  'too-many-frames',
] as const;

const faultSchema = z.looseObject({
  type: z.literal('fault'),
  seq: countSchema.optional(),
  /** One of FAULT_CODES; a foreign runner may have its own. */
  code: z.string().regex(/^[a-z][a-z0-9-]{2,40}$/),
  detail: z.string().max(2000),
});

const fromRunnerSchema = z.discriminatedUnion('type', [readySchema, resultSchema, faultSchema]);
const toRunnerSchema = z.discriminatedUnion('type', [helloSchema, drainSchema]);

export type RunnerRole = z.infer<typeof roleSchema>;
export type RunnerHello = z.infer<typeof helloSchema>;
export type RunnerReady = z.infer<typeof readySchema>;
export type RunnerResult = z.infer<typeof resultSchema>;
export type RunnerFault = z.infer<typeof faultSchema>;
export type FromRunner = z.infer<typeof fromRunnerSchema>;
export type FrameOrder = { readonly type: 'frame'; readonly slot: number; readonly seq: number };
export type ToRunner = z.infer<typeof toRunnerSchema> | FrameOrder;

const FRAME_BYTES = 8;

/** A frame's number as it goes over the wire: 32 bits, so it begins again after four years at 30 frames a second. */
export function wireSeq(seq: number): number {
  return seq % 2 ** 32;
}

/** What the agent writes. */
export function encodeToRunner(message: ToRunner): Uint8Array {
  if (message.type !== 'frame') return encodeJson(message);
  const body = new DataView(new ArrayBuffer(FRAME_BYTES));
  body.setUint32(0, message.slot, true);
  body.setUint32(4, message.seq, true);
  return encodeBinary(new Uint8Array(body.buffer));
}

/** What the runner reads. */
export function decodeToRunner(message: Message): Parsed<ToRunner> {
  if (message.kind === 'json') return parseValue<ToRunner>(toRunnerSchema, message.value);
  if (message.bytes.byteLength !== FRAME_BYTES)
    return refused(`a frame order has ${FRAME_BYTES} bytes, not ${message.bytes.byteLength}`);
  const body = new DataView(message.bytes.buffer, message.bytes.byteOffset, FRAME_BYTES);
  return { ok: true, value: { type: 'frame', slot: body.getUint32(0, true), seq: body.getUint32(4, true) } };
}

/** What the runner writes. */
export function encodeFromRunner(message: FromRunner): Uint8Array {
  return encodeJson(message);
}

/** What the agent reads. */
export function decodeFromRunner(message: Message): Parsed<FromRunner> {
  if (message.kind === 'json') return parseValue(fromRunnerSchema, message.value);
  return refused('a runner says nothing in binary');
}

/** Problems of a refused message, short enough for a log line. */
export function describeRefusal(parsed: Extract<Parsed<unknown>, { ok: false }>): string {
  return describeProblems(parsed.problems.slice(0, 3)).slice(0, 500);
}

function refused(message: string): Extract<Parsed<never>, { ok: false }> {
  return { ok: false, problems: [{ path: '', message }] };
}
