// The agent's log: JSON lines on standard error. It can neither stop nor slow the agent: a full disk, a closed pipe or a
// reader that has stopped cost lines, and how many is said when lines can be written again.
import { type Logger, pino } from 'pino';
import { type LineWriter, openLineWriter } from './sinks/line-writer.ts';

export type LogOptions = {
  readonly level: string;
  readonly site: string;
  readonly device: string;
  /** Descriptor to write to. */
  readonly fd: number;
};

/** Lines kept for a reader that pauses: the whole start of an agent, or half an hour of a calm one. */
const UNREAD_BYTES_MAX = 256 * 1024;
/** journald cuts at 48 KB, and a stack trace has five. */
const LINE_BYTES_MAX = 32 * 1024;
const WARN = 40;

/** `close` waits for what can still be written, a second at most. */
export function openLog(options: LogOptions): { readonly log: Logger; readonly close: () => Promise<void> } {
  const { level, site, device, fd } = options;
  let lost = 0;
  const say = (msg: string, count: number) => {
    lines.write(JSON.stringify({ level: WARN, time: Date.now(), site, device, count, msg }));
  };
  const lines: LineWriter = openLineWriter(fd, {
    bytesMax: UNREAD_BYTES_MAX,
    isSync: true,
    onDropped: (_, count) => {
      lost += count;
    },
    onSent: () => {
      if (lost === 0) return;
      const count = lost;
      lost = 0;
      say('lines of this log were lost: nobody took them', count);
    },
    // There is nobody to tell.
    onTrouble: () => undefined,
  });
  const write = (text: string) => {
    const line = text.trimEnd();
    if (Buffer.byteLength(line) > LINE_BYTES_MAX) say('a line of this log was too long and is left out', line.length);
    else lines.write(line);
  };
  return { log: pino({ level, base: { site, device } }, { write }), close: lines.close };
}
