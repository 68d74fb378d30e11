// The message stream under every cut and every kind of damage.
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

const messageArb: fc.Arbitrary<Message> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes): Message => ({ kind: 'binary', bytes })),
  fc
    .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 })
    .map((value): Message => ({ kind: 'json', value: JSON.parse(JSON.stringify(value)) })),
);

function encode(message: Message): Uint8Array {
  return message.kind === 'json' ? encodeJson(message.value) : encodeBinary(message.bytes);
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

describe('MessageReader', () => {
  it('gives back what was written, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(messageArb, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const reader = new MessageReader();
        const chunks = cut(Buffer.concat(messages.map(encode)), cuts);
        expect(chunks.flatMap((chunk) => [...reader.push(chunk)])).toEqual(messages);
      }),
    );
  });

  it('reads anything as messages or refuses it as a FramingError, and never hands on more than the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 }), (chunks) => {
        const reader = new MessageReader(64);
        try {
          for (const message of chunks.flatMap((chunk) => [...reader.push(chunk)]))
            if (message.kind === 'binary') expect(message.bytes.length).toBeLessThan(64);
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses damage to a valid stream as a FramingError, or reads what the damage spells', () => {
    const valid = Buffer.concat([encodeJson({ type: 'ready', n: 1 }), encodeBinary(new Uint8Array(8))]);
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(valid);
        damaged[at]! ^= flip;
        try {
          for (const message of new MessageReader().push(damaged)) expect(['json', 'binary']).toContain(message.kind);
        } catch (error) {
          expect(error).toMatchObject({ code: 'protocol-violation' });
        }
      }),
    );
  });

  it('refuses a length beyond the limit before it arrives, and an array in place of an object', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(MESSAGE_BYTES_MAX + 1);
    expect(() => [...new MessageReader().push(head)]).toThrow(/allowed are 1 to 4194304/);
    const list = Buffer.from('\x03\0\0\0\x01[]');
    expect(() => [...new MessageReader().push(list)]).toThrow(/not an object/);
  });

  it('hands on the good messages before a bad one', () => {
    const reader = new MessageReader();
    const stream = reader.push(Buffer.concat([encodeJson({ a: 1 }), Buffer.from('\x02\0\0\0\x07.')]));
    expect(stream.next().value).toEqual({ kind: 'json', value: { a: 1 } });
    expect(() => stream.next()).toThrow(/unknown kind 7/);
  });

  it('does not write a message that no reader would take', () => {
    expect(() => encodeBinary(new Uint8Array(MESSAGE_BYTES_MAX))).toThrow(RangeError);
  });
});
