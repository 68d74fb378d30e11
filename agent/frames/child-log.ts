// What a child prints becomes log lines: cut to length, and so many per second. A child that floods is slowed down by
// its own full pipe; it can neither fill the log nor keep the supervisor busy.
import type { Readable } from 'node:stream';

/** The part of a pino logger that a room needs. */
export type RoomLog = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** A stack trace has 20 lines; two of them in one second are worth keeping. */
const LINES_MAX_PER_SECOND = 40;
const LINE_CHARS_MAX = 500;
const BYTES_MAX_PER_SECOND = 256 * 1024;
const WINDOW_MS = 1000;

type Budget = { lines: number; bytes: number; droppedLines: number; windowStart: number };

/** Reads `stream` to its end. `fields` name the child in each line. */
export function logLines(stream: Readable, log: RoomLog, fields: Readonly<Record<string, unknown>>): void {
  const budget: Budget = { lines: 0, bytes: 0, droppedLines: 0, windowStart: performance.now() };
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    renew(budget, log, fields);
    budget.bytes += text.length;
    const lines = (rest + text).split('\n');
    // A line without an end must not grow for ever.
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX);
    for (const line of lines) writeLine(line, budget, log, fields);
    if (budget.bytes > BYTES_MAX_PER_SECOND) pauseFor(stream, WINDOW_MS);
  });
  stream.on('end', () => {
    if (rest !== '') writeLine(rest, budget, log, fields);
    reportDropped(budget, log, fields);
  });
  // A reset pipe is the child's death, which its exit reports.
  stream.on('error', () => undefined);
}

function writeLine(line: string, budget: Budget, log: RoomLog, fields: object): void {
  if (line.trim() === '') return;
  budget.lines += 1;
  if (budget.lines > LINES_MAX_PER_SECOND) budget.droppedLines += 1;
  else log.warn({ ...fields, line: line.slice(0, LINE_CHARS_MAX) }, 'child process says');
}

function renew(budget: Budget, log: RoomLog, fields: object): void {
  const now = performance.now();
  if (now - budget.windowStart < WINDOW_MS) return;
  reportDropped(budget, log, fields);
  Object.assign(budget, { lines: 0, bytes: 0, windowStart: now });
}

function reportDropped(budget: Budget, log: RoomLog, fields: object): void {
  if (budget.droppedLines > 0) log.warn({ ...fields, lines: budget.droppedLines }, 'child process says too much');
  budget.droppedLines = 0;
}

function pauseFor(stream: Readable, ms: number): void {
  stream.pause();
  setTimeout(() => stream.resume(), ms).unref();
}
