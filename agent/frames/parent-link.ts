// The child's end of the message stream: fd 3. When the supervisor is gone, so is the child.
import { Socket } from 'node:net';
import { type Message, MessageReader } from './framing.ts';

const LINK_FD = 3;

export type ParentLink = {
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
  socket.on('data', (chunk: Uint8Array) => {
    for (const message of reader.push(chunk)) onMessage(message);
  });
  return {
    send: (bytes) => void socket.write(bytes),
    finish: () => void socket.end(() => process.exit(0)),
  };
}
