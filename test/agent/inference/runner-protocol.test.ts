// The messages of the runner protocol: what is written is read, what is malformed is refused, nothing throws.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJson, type Message, MessageReader } from '../../../agent/frames/framing.ts';
import { decodeFromRunner, type FromRunner } from '../../../agent/inference/runner-protocol.ts';
import { decodeToRunner, describeRefusal, encodeToRunner, wireSeq } from '../../../agent/inference/runner-wire.ts';

function sent(bytes: Uint8Array): Message {
  const [message] = new MessageReader().push(bytes);
  return message!;
}

const duration = fc.double({ min: 0, max: 1e6, noNaN: true });
const boxArb = fc.tuple(fc.nat(640), fc.nat(640), fc.nat(640), fc.nat(640));
const resultArb: fc.Arbitrary<FromRunner> = fc.record({
  type: fc.constant('result' as const),
  seq: fc.nat(),
  readMs: duration,
  runMs: duration,
  postMs: duration,
  finite: fc.constant(true),
  answer: fc.record({
    task: fc.constant('detection' as const),
    detections: fc.array(
      fc.record({
        classId: fc.nat(99),
        label: fc.string(),
        score: fc.double({ min: 0, max: 1, noNaN: true }).filter((score) => !Object.is(score, -0)),
        box: boxArb.map((box): [number, number, number, number] => box),
      }),
    ),
  }),
  borderline: fc.nat(1e6),
});

describe('the runner protocol', () => {
  it('carries frame orders unchanged', () => {
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(u32, u32, (slot, seq) => {
        const read = decodeToRunner(sent(encodeToRunner({ type: 'frame', slot, seq })));
        expect(read).toEqual({ ok: true, value: { type: 'frame', slot, seq } });
      }),
    );
    expect(wireSeq(2 ** 32 + 5)).toBe(5);
  });

  it('carries results unchanged', () => {
    fc.assert(
      fc.property(resultArb, (result) => {
        expect(decodeFromRunner(sent(encodeJson(result)))).toEqual({ ok: true, value: result });
      }),
    );
  });

  it('refuses anything else, with a reason, and never throws', () => {
    const anyMessage: fc.Arbitrary<Message> = fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes): Message => ({ kind: 'binary', bytes })),
      fc
        .record({ type: fc.constantFrom('hello', 'drain', 'ready', 'result', 'fault', 'x'), seq: fc.anything() })
        .map((value): Message => ({ kind: 'json', value })),
    );
    fc.assert(
      fc.property(anyMessage, (message) => {
        for (const parsed of [decodeFromRunner(message), decodeToRunner(message)])
          if (!parsed.ok) expect(describeRefusal(parsed).length).toBeGreaterThan(0);
      }),
    );
    expect(decodeFromRunner({ kind: 'binary', bytes: new Uint8Array(8) }).ok).toBe(false);
  });
});
