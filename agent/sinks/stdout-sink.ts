// Answers as NDJSON on standard output. A reader that stops reading costs answers, never frames: what does not fit is
// dropped and counted, and a reader that has gone does not end the agent.
import type { Writable } from 'node:stream';
import type { Sink } from './sink.ts';

/** Unread bytes kept for a slow reader: about a second of answers at full rate. */
const UNREAD_BYTES_MAX = 1024 * 1024;

export function openStdoutSink(output: Writable, onGone: (reason: string) => void): Sink {
  let isGone = false;
  let dropped = 0;
  const onError = (error: Error) => {
    if (!isGone) onGone(error.message);
    isGone = true;
  };
  output.on('error', onError);
  return {
    publish: (line) => {
      if (isGone || output.writableLength > UNREAD_BYTES_MAX) dropped += 1;
      else output.write(`${line}\n`);
    },
    dropped: () => dropped,
    // The listener stays: an EPIPE that arrives after the close must not end the process either.
    close: () => {
      isGone = true;
    },
  };
}
