// Answers as NDJSON on standard output. A reader that stops reading costs answers, the oldest first, never frames; a
// reader that has gone does not end the agent; a disk that was full is written again when it has room.
import { type LineWriter, type LineWriterEvents, openLineWriter } from './line-writer.ts';
import { type Sink, Tally } from './sink.ts';

/** Unread bytes kept for a slow reader: minutes of answers of one camera, and nothing for the memory of a small board. */
const UNREAD_BYTES_MAX = 1024 * 1024;

/** How a test hands in another output than a file descriptor. */
export type OpenLines = (events: LineWriterEvents) => LineWriter;

export function standardOutput(events: LineWriterEvents): LineWriter {
  return openLineWriter(1, { ...events, bytesMax: UNREAD_BYTES_MAX, isSync: false });
}

export function openStdoutSink(open: OpenLines): Sink {
  const tally = new Tally();
  const lines = open({
    onSent: (answers) => tally.sent(answers),
    onDropped: (reason, answers) => tally.dropped(reason, answers),
    onTrouble: (trouble) => {
      tally.trouble = trouble;
    },
  });
  return { publish: lines.write, counts: () => tally.counts(), close: lines.close };
}
