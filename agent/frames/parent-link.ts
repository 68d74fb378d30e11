// The child's end of the message stream: fd 3. When the supervisor is gone, so is the child.
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Message, MessageReader } from './framing.ts';

const LINK_FD = 3;
const CHUNK_BYTES = 65_536;
const RETRY_MS = 1;

export type ParentLink = {
  send(bytes: Uint8Array): void;
  /** Sends what is waiting, then ends this process. */
  finish(): void;
};

export type ParentLinkOptions = {
  /** Ends this process: when the supervisor is gone, and when all is sent. */
  readonly leave?: () => void;
  /** What has been read of the stream already. */
  readonly bytes?: Uint8Array;
};

/** `onMessage` may throw: a supervisor that breaks the protocol ends this process with code 1. */
export function openParentLink(onMessage: (message: Message) => void, options: ParentLinkOptions = {}): ParentLink {
  const { leave = () => process.exit(0), bytes } = options;
  const socket = new Socket({ fd: LINK_FD, readable: true, writable: true });
  const reader = new MessageReader();
  const accept = (chunk: Uint8Array): void => {
    for (const message of reader.push(chunk)) onMessage(message);
  };
  socket.on('error', leave);
  socket.on('close', leave);
  socket.on('end', leave);
  socket.on('data', accept);
  if (bytes !== undefined) setImmediate(accept, bytes);
  return { send: (chunk) => void socket.write(chunk), finish: () => void socket.end(leave) };
}

/** Blocks until a whole message has come, before the link is opened. Null: the stream ended, or is no protocol, before that. */
export function readFirstMessage(): { readonly bytes: Uint8Array; readonly message: Message | null } {
  const reader = new MessageReader();
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = readChunk();
    chunks.push(chunk);
    const message = chunk.length === 0 ? null : firstOf(reader, chunk);
    if (chunk.length === 0 || message !== undefined) return { bytes: Buffer.concat(chunks), message: message ?? null };
  }
}

/** Undefined: more must come. */
function firstOf(reader: MessageReader, chunk: Buffer): Message | null | undefined {
  try {
    return reader.push(chunk).next().value;
  } catch {
    return null;
  }
}

/** Empty at the end of the stream. */
function readChunk(): Buffer {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    try {
      return chunk.subarray(0, readSync(LINK_FD, chunk));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return chunk.subarray(0, 0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
