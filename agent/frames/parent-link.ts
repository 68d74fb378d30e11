// The child's end of the message stream: fd 3. When the supervisor is gone, so is the child.
import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { type Message, MessageReader } from './framing.ts';

const LINK_FD = 3;

/** More than every order that can be outstanding. */
const POLL_BYTES = 4096;

export type ParentLink = {
  /** Takes in what has come meanwhile, without a turn of the event loop: that costs a runner a thirtieth of a short frame. */
  poll(): void;
  send(bytes: Uint8Array): void;
  /** Sends what is waiting, then ends this process with code 0. */
  finish(): void;
};

/** `onMessage` may throw: a supervisor that breaks the protocol ends this process with code 1. */
export function openParentLink(onMessage: (message: Message) => void): ParentLink {
  const socket = new Socket({ fd: LINK_FD, readable: true, writable: true });
  const reader = new MessageReader();
  socket.on('error', () => process.exit(0));
  socket.on('close', () => process.exit(0));
  socket.on('end', () => process.exit(0));
  const accept = (chunk: Uint8Array): void => {
    for (const message of reader.push(chunk)) onMessage(message);
  };
  socket.on('data', accept);
  return {
    poll() {
      const chunk = Buffer.allocUnsafe(POLL_BYTES);
      const count = readWaiting(chunk);
      if (count > 0) accept(chunk.subarray(0, count));
    },
    send(bytes) {
      // Nothing waits before it: straight to the kernel, past a stream that would hand it there as well.
      const written = socket.writableLength === 0 ? writeNow(bytes) : 0;
      if (written < bytes.byteLength) socket.write(bytes.subarray(written));
    },
    finish: () => void socket.end(() => process.exit(0)),
  };
}

/** The socket does not block. What goes wrong here goes wrong again where the event loop reads, and is told there. */
function readWaiting(chunk: Uint8Array): number {
  try {
    return readSync(LINK_FD, chunk);
  } catch {
    return 0;
  }
}

/** How many bytes the kernel took; the stream takes the rest, and hears of an end of the line. */
function writeNow(bytes: Uint8Array): number {
  try {
    return writeSync(LINK_FD, bytes);
  } catch {
    return 0;
  }
}
