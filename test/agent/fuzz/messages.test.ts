// What other processes and the broker say: framing, runners, sources, acknowledgements. Any bytes end in a typed message, a
// refusal or a FramingError; memory stays bounded, and a message that is taken keeps its promises.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeBinary,
  encodeJson,
  FramingError,
  MESSAGE_BYTES_MAX,
  type Message,
  MessageReader,
} from '../../../agent/frames/framing.ts';
import { decodeFromSource, decodeToSource, encodeFromSource } from '../../../agent/frames/source-protocol.ts';
import { decodeFromRunner } from '../../../agent/inference/runner-protocol.ts';
import { decodeToRunner, describeRefusal } from '../../../agent/inference/runner-wire.ts';
import { parseJson } from '../../../shared/basics/parsing.ts';
import { ackSchema } from '../../../shared/protocol/documents.ts';
import { clone, damaged, damagedJson, deepText, edited, MANY } from './mutations.ts';

const DETECTION = { classId: 0, label: 'dent', score: 0.9, box: [1, 2, 3, 4] };
const READY = {
  type: 'ready',
  protocol: 1,
  runtime: 'onnxruntime-node 1.30.0',
  provider: { asked: 'cpu', used: 'cpu' },
  modelSha256: 'a'.repeat(64),
  loadMs: 12,
  warmMs: 3,
  rssBytes: 1000,
};
const RESULT = {
  type: 'result',
  seq: 7,
  readMs: 1,
  runMs: 2,
  postMs: 3,
  finite: true,
  answer: { task: 'detection', detections: [DETECTION] },
  borderline: 0,
};
const FAULT = { type: 'fault', seq: 7, code: 'run-failed', detail: 'no memory' };
const COUNTS = { type: 'counts', captured: 5, delivered: 4, dropped: { late: 1 } };
const TOKEN = {
  type: 'token' as const,
  seq: 1,
  slot: 2,
  index: 3,
  capturedAtMs: 4,
  monotonicMs: 5,
  picture: { width: 640, height: 480 },
};

/** Everything that was read before the stream broke, and whether it did. */
function readAll(
  chunks: readonly Uint8Array[],
  bytesMax?: number,
): { readonly messages: Message[]; readonly broke: boolean } {
  const reader = new MessageReader(bytesMax);
  const messages: Message[] = [];
  try {
    for (const chunk of chunks) for (const message of reader.push(chunk)) messages.push(message);
    return { messages, broke: false };
  } catch (error) {
    if (!(error instanceof FramingError)) throw error;
    return { messages, broke: true };
  }
}

describe('the stream of a child process', () => {
  it('of any bytes, in any pieces, gives messages or a FramingError', () => {
    const stream = Buffer.concat([
      encodeJson(READY),
      encodeJson(RESULT),
      encodeBinary(new Uint8Array(36)),
      encodeJson(FAULT),
    ]);
    fc.assert(
      fc.property(damaged(stream), fc.integer({ min: 1, max: 200 }), (bytes, size) => {
        const pieces = [];
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
        const whole = readAll([bytes]);
        const cut = readAll(pieces);
        // How it was cut says nothing about what it holds.
        expect(cut.messages).toEqual(whole.messages);
        expect(cut.broke).toBe(whole.broke);
        for (const message of whole.messages) {
          decodeFromRunner(message);
          decodeFromSource(message);
          decodeToRunner(message);
          decodeToSource(message);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('that announces more than is allowed is ended before anything is kept', () => {
    const announced = Buffer.alloc(5);
    for (const length of [0, MESSAGE_BYTES_MAX + 1, 0xffffffff]) {
      announced.writeUInt32LE(length, 0);
      expect(readAll([announced]).broke).toBe(true);
    }
  });

  it('with JSON deeper than a stack is a message or a FramingError, never more', () => {
    const body = Buffer.from(`{"type":"result","answer":${deepText(100_000)}}`);
    const message = Buffer.alloc(5 + body.length);
    message.writeUInt32LE(1 + body.length, 0);
    message[4] = 1;
    body.copy(message, 5);
    for (const read of readAll([message]).messages) {
      for (const parsed of [decodeFromRunner(read), decodeFromSource(read)]) {
        expect(parsed.ok).toBe(false);
        if (!parsed.ok) expect(describeRefusal(parsed).length).toBeLessThanOrEqual(500);
      }
    }
  });
});

describe('a message of a runner', () => {
  it('that is taken holds finite numbers and boxes; every other one is a refusal in a few words', () => {
    fc.assert(
      fc.property(fc.constantFrom<unknown>(READY, RESULT, FAULT).chain(edited), (value) => {
        const parsed = decodeFromRunner(asMessage(value));
        if (!parsed.ok) {
          expect(describeRefusal(parsed).length).toBeLessThanOrEqual(500);
          return;
        }
        if (parsed.value.type !== 'result') return;
        // Sums over a window of them stay finite, and so does what the window weighs.
        const { runMs, answer, borderline } = parsed.value;
        expect(runMs).toBeLessThanOrEqual(1e9);
        expect(borderline).toBeLessThanOrEqual(1e6);
        if (answer?.task !== 'detection') return;
        for (const { score, box, label } of answer.detections) {
          expect(Math.abs(score)).toBeLessThanOrEqual(1e6);
          expect(box.every((edge) => Math.abs(edge) <= 1e9)).toBe(true);
          expect(label.length).toBeLessThanOrEqual(200);
        }
      }),
      MANY,
    );
  });
});

describe('a message as long as allowed', () => {
  const { answer: _answer, ...rest } = RESULT;
  const result = JSON.stringify(rest).replace('}', ',"answer":');

  it.each([
    ['empty detections', `${result}{"task":"detection","detections":[`, '{}', ']}}'],
    ['empty objects', `${result}{"task":"segmentation","detections":[`, '{}', ']}}'],
    ['numbers for classes', `${result}{"task":"classification","classes":[`, '0', ']}}'],
    ['corners of one box', `${result}{"task":"detection","detections":[{"box":[`, '""', ']}]}}'],
    ['steps of a histogram', '{"type":"health","health":{"lumaHistogram":[', '""', ']}}'],
  ])('and wrong in every one of its %s is refused for a few of them', (_what, open, element, close) => {
    const count = Math.floor((MESSAGE_BYTES_MAX - open.length - close.length - 1) / (element.length + 1));
    const text = `${open}${Array(count).fill(element).join(',')}${close}`;
    const value = JSON.parse(text) as Readonly<Record<string, unknown>>;
    for (const parsed of [decodeFromRunner({ kind: 'json', value }), decodeFromSource({ kind: 'json', value })]) {
      expect(parsed.ok).toBe(false);
      // All of them, told one by one, are more than the process may ever hold.
      if (!parsed.ok) expect(parsed.problems.length).toBeLessThan(100);
    }
  });
});

describe('a message of a source', () => {
  it('is a token, a document of its protocol, or refused', () => {
    const token = encodeFromSource(TOKEN);
    fc.assert(
      fc.property(damaged(token.slice(5)), (bytes) => {
        const parsed = decodeFromSource({ kind: 'binary', bytes });
        expect(parsed.ok).toBe(bytes.byteLength === token.length - 5);
      }),
      MANY,
    );
    fc.assert(
      fc.property(edited(COUNTS), (value) => {
        const parsed = decodeFromSource(asMessage(value));
        if (!parsed.ok || parsed.value.type !== 'counts') return;
        expect(Number.isSafeInteger(parsed.value.captured)).toBe(true);
      }),
      MANY,
    );
  });
});

describe('an acknowledgement', () => {
  it('of any text is one, or problems', () => {
    fc.assert(
      fc.property(damagedJson({ v: 1, boot: 'boot-0001', seq: 7 }), (bytes) => {
        const parsed = parseJson(ackSchema, new TextDecoder().decode(bytes));
        if (parsed.ok) expect(Number.isSafeInteger(parsed.value.seq) && parsed.value.seq >= 0).toBe(true);
        else expect(parsed.problems.length).toBeGreaterThan(0);
      }),
      MANY,
    );
  });
});

function asMessage(value: unknown): Message {
  return { kind: 'json', value: clone(value) as Readonly<Record<string, unknown>> };
}
