// The runner protocol, version 1: what the agent and a runner say to each other on the runner's fd 3. A runner may be
// written in any language: PROTOCOL.md beside this file is the document for that, and `npm run runner:conformance` its test.
// The stream is a Unix socket; agent/frames/framing.ts defines the messages on it, runner-wire.ts what the runner reads,
// this file what the agent believes of a runner.
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
import { type Parsed, parseValue } from '../../shared/basics/parsing.ts';
import { answerSchema } from '../../shared/release/answers.ts';
import { maskSchema } from '../../shared/release/mask.ts';
import type { Message } from '../frames/framing.ts';
import { PROTOCOL, refused } from './runner-wire.ts';

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
  /** Pixels of what is answered; only where the hello asks for it. */
  mask: maskSchema.nullish(),
});

const faultSchema = z.looseObject({
  type: z.literal('fault'),
  seq: countSchema.optional(),
  /** A FaultCode of our runner; a foreign one may have its own. */
  code: z.string().regex(/^[a-z][a-z0-9-]{2,40}$/),
  detail: z.string().max(2000),
});

const fromRunnerSchema = z.discriminatedUnion('type', [readySchema, resultSchema, faultSchema]);

export type RunnerReady = z.infer<typeof readySchema>;
export type RunnerResult = z.infer<typeof resultSchema>;
export type RunnerFault = z.infer<typeof faultSchema>;
export type FromRunner = z.infer<typeof fromRunnerSchema>;

/** What the agent reads. */
export function decodeFromRunner(message: Message): Parsed<FromRunner> {
  if (message.kind === 'json') return parseValue(fromRunnerSchema, message.value);
  return refused('', 'a runner says nothing in binary');
}
