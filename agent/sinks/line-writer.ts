// Whole lines to a file descriptor that somebody else gave us (standard output, standard error), without ever waiting
// for who reads it: a stopped reader, a full disk or a closed pipe cost lines, which are counted, and nothing else.
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { describeError } from '../../shared/basics/errors.ts';
import { LineQueue } from './line-queue.ts';

export type LineWriterEvents = {
  readonly onSent: (lines: number) => void;
  readonly onDropped: (reason: 'queue-full' | 'reader-gone', lines: number) => void;
  /** What hinders it; null when it is over. */
  readonly onTrouble: (trouble: string | null) => void;
};

export type LineWriterOptions = LineWriterEvents & {
  readonly bytesMax: number;
  /** Files are written before `write` returns: for a log, whose last words matter. Nothing else is ever waited for. */
  readonly isSync: boolean;
};

export type LineWriter = {
  /** Never waits, never throws. */
  readonly write: (line: string) => void;
  /** Resolves when everything is written, or after a second. */
  readonly close: () => Promise<void>;
};

/** Hands a chunk to the kernel: `done` is told how many bytes it took, or why it took none; possibly before it returns. */
type Output = {
  readonly write: (chunk: Buffer, done: (error: NodeJS.ErrnoException | null, bytes: number) => void) => void;
  /** A pipe or socket whose other end is gone does not come back; a full disk does. */
  readonly isFinal: (error: NodeJS.ErrnoException) => boolean;
};

/** What a pipe takes whole or not at all (PIPE_BUF): two writers into one pipe then never cut each other's lines. */
const CHUNK = { lines: 1000, bytes: 4096 };
/** A line is far below a kilobyte on average; the bytes are the bound that counts. */
const LINES_MAX = 20_000;
const BUSY_RETRY_MS = 20;
const TROUBLE_RETRY_MS = 1000;
const CLOSE_MS_MAX = 1000;
const CLOSE_POLL_MS = 10;

export function openLineWriter(fd: number, options: LineWriterOptions): LineWriter {
  return new FdLines(outputFor(fd, options.isSync), options);
}

class FdLines implements LineWriter {
  readonly #output: Output;
  readonly #options: LineWriterOptions;
  readonly #queue: LineQueue;
  /** What the kernel has not taken yet of the lines in hand; a line that was begun is finished first. */
  #rest: Buffer = Buffer.alloc(0);
  #linesInHand = 0;
  #isBusy = false;
  #isGone = false;
  #trouble: string | null = null;

  constructor(output: Output, options: LineWriterOptions) {
    this.#output = output;
    this.#options = options;
    this.#queue = new LineQueue({ lines: LINES_MAX, bytes: options.bytesMax });
  }

  readonly write = (line: string): void => {
    if (this.#isGone) this.#options.onDropped('reader-gone', 1);
    else this.#drop(this.#queue.push(line));
    this.#pump();
  };

  readonly close = async (): Promise<void> => {
    const endMs = performance.now() + CLOSE_MS_MAX;
    while (this.#hasMore() && !this.#isGone && performance.now() < endMs)
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
  };

  #hasMore(): boolean {
    return this.#queue.length > 0 || this.#rest.length > 0;
  }

  #drop(lines: number): void {
    if (lines > 0) this.#options.onDropped('queue-full', lines);
  }

  #pump(): void {
    while (!this.#isBusy && !this.#isGone && this.#hasMore()) {
      if (this.#rest.length === 0) this.#next();
      this.#isBusy = true;
      this.#output.write(this.#rest, (error, bytes) => this.#written(error, bytes));
    }
  }

  #next(): void {
    const lines = this.#queue.take(CHUNK);
    this.#linesInHand = lines.length;
    this.#rest = Buffer.from(`${lines.join('\n')}\n`);
  }

  #written(error: NodeJS.ErrnoException | null, bytes: number): void {
    if (error) {
      this.#failed(error);
      return;
    }
    this.#isBusy = false;
    this.#rest = this.#rest.subarray(bytes);
    if (this.#rest.length === 0) this.#options.onSent(this.#linesInHand);
    this.#say(null);
    // Called from within write() it goes on there; called later, here.
    this.#pump();
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#output.isFinal(error)) {
      this.#isGone = true;
      this.#say(describeError(error));
      this.#options.onDropped('reader-gone', this.#linesInHand + this.#queue.length);
      return;
    }
    const isOnlyBusy = error.code === 'EAGAIN';
    if (!isOnlyBusy) this.#say(describeError(error));
    const retry = setTimeout(
      () => {
        this.#isBusy = false;
        this.#pump();
      },
      isOnlyBusy ? BUSY_RETRY_MS : TROUBLE_RETRY_MS,
    );
    retry.unref();
  }

  #say(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }
}

function outputFor(fd: number, isSync: boolean): Output {
  const kind = kindOf(fd);
  if (kind === 'stream') return streamOutput(fd);
  return fileOutput(kind === 'terminal' ? reopened(fd) : fd, isSync || kind === 'terminal');
}

function kindOf(fd: number): 'stream' | 'terminal' | 'file' {
  try {
    const stat = fstatSync(fd);
    if (stat.isFIFO() || stat.isSocket()) return 'stream';
    return isatty(fd) ? 'terminal' : 'file';
  } catch {
    // A descriptor that was closed before we began: every write fails, and is counted.
    return 'file';
  }
}

/** Pipes and sockets: the event loop waits for room, and finishes what it has begun. */
function streamOutput(fd: number): Output {
  const socket = new Socket({ fd, readable: false, writable: true });
  // Whoever waits for a reader must not keep a process alive that has nothing else to do.
  socket.unref();
  let failed: NodeJS.ErrnoException | null = null;
  socket.on('error', (error) => {
    failed = error;
  });
  return {
    isFinal: () => true,
    write: (chunk, done) => {
      let isDone = false;
      const finish = (error?: Error | null) => {
        if (!isDone) done(error ?? failed, chunk.length);
        isDone = true;
      };
      socket.write(chunk, finish);
      // Taken whole at once: no need to wait for the callback, and a process that exits now has lost nothing.
      if (socket.writableLength === 0 && socket.errored === null && !socket.destroyed) finish();
    },
  };
}

/** Files, devices, terminals. */
function fileOutput(fd: number, isSync: boolean): Output {
  return {
    isFinal: (error) => error.code === 'EBADF' || error.code === 'EPIPE',
    write: (chunk, done) => {
      if (!isSync) {
        write(fd, chunk, 0, chunk.length, null, (error, bytes) => done(error, bytes));
        return;
      }
      const result = writeNow(fd, chunk);
      if (typeof result === 'number') done(null, result);
      else done(result, 0);
    },
  };
}

function writeNow(fd: number, chunk: Buffer): number | NodeJS.ErrnoException {
  try {
    return writeSync(fd, chunk, 0, chunk.length);
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** A terminal that somebody has stopped (Ctrl-S) blocks; opened anew it can say EAGAIN, and the shell's own stays as it is. */
function reopened(fd: number): number {
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${fd}`, flags);
  } catch {
    // Not ours to open: then a stopped terminal holds us, as it holds every program.
    return fd;
  }
}
