// Messages on the byte stream between the agent and its children. Each is: u32 LE length of what follows, one byte of
// kind (1 = JSON object in UTF-8, 2 = binary), the body. Pure; every malformed byte ends in a FramingError.
import { BelayError } from '../../shared/basics/errors.ts';

export type Message =
  | { readonly kind: 'json'; readonly value: Readonly<Record<string, unknown>> }
  /** A copy, safe to keep. */
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

/** Code `protocol-violation`: the other side does not speak the protocol, or its memory is damaged. End it. */
export class FramingError extends BelayError {
  constructor(message: string, cause?: unknown) {
    super('protocol-violation', `reading a message of a child process: ${message}; restart it`, { cause });
    this.name = 'FramingError';
  }
}

/** A result with 3,000 boxes takes 300 kB; a hello with 1,000 labels and its metrics 200 kB. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

const JSON_KIND = 1;
const BINARY_KIND = 2;
const LENGTH_BYTES = 4;

export function encodeJson(value: Readonly<Record<string, unknown>>): Uint8Array {
  return encode(JSON_KIND, Buffer.from(JSON.stringify(value)));
}

export function encodeBinary(body: Uint8Array): Uint8Array {
  return encode(BINARY_KIND, body);
}

function encode(kind: number, body: Uint8Array): Uint8Array {
  const length = body.byteLength + 1;
  if (length > MESSAGE_BYTES_MAX)
    throw new RangeError(`a message of ${length} bytes; ${MESSAGE_BYTES_MAX} are allowed`);
  const message = Buffer.allocUnsafe(LENGTH_BYTES + length);
  message.writeUInt32LE(length, 0);
  message[LENGTH_BYTES] = kind;
  message.set(body, LENGTH_BYTES + 1);
  return message;
}

/** Puts chunks of a stream together and yields the messages in them. After a FramingError the stream is of no use. */
export class MessageReader {
  #pending: Buffer = Buffer.alloc(0);
  readonly #bytesMax: number;

  constructor(bytesMax = MESSAGE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  *push(chunk: Uint8Array): Generator<Message> {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#pending = this.#pending.length === 0 ? fresh : Buffer.concat([this.#pending, fresh]);
    for (;;) {
      const message = this.#take();
      if (message === null) return;
      yield message;
    }
  }

  #take(): Message | null {
    if (this.#pending.length < LENGTH_BYTES) return null;
    const length = this.#pending.readUInt32LE(0);
    if (length < 1 || length > this.#bytesMax)
      throw new FramingError(`a length of ${length} bytes, allowed are 1 to ${this.#bytesMax}`);
    const end = LENGTH_BYTES + length;
    if (this.#pending.length < end) return null;
    const kind = this.#pending[LENGTH_BYTES];
    const body = this.#pending.subarray(LENGTH_BYTES + 1, end);
    this.#pending = this.#pending.subarray(end);
    return decode(kind, body);
  }
}

function decode(kind: number | undefined, body: Buffer): Message {
  if (kind === BINARY_KIND) return { kind: 'binary', bytes: Uint8Array.from(body) };
  if (kind !== JSON_KIND) throw new FramingError(`an unknown kind ${kind}`);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new FramingError('text that is not JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FramingError('JSON that is not an object');
  return { kind: 'json', value: value as Record<string, unknown> };
}
