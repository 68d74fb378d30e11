// Answers as NDJSON on a Unix stream socket: we listen, consumers connect, each gets every answer from then on. One that
// reads too slowly loses answers and is told how many; one that reads nothing for a minute is let go.
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describeError } from '../../shared/basics/errors.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { type Sink, Tally } from './sink.ts';

export type SocketSinkParts = {
  readonly log: Pick<RoomLog, 'info' | 'warn'>;
  /** How long a consumer may read nothing at all. */
  readonly stuckMsMax?: number;
};

const CONSUMERS_MAX = 16;
/** Unread bytes kept for one consumer; half of it must be read before it gets answers again. */
const UNREAD_BYTES_MAX = 512 * 1024;
const STUCK_MS_MAX = 60_000;
/** Owner and group: who may read answers is decided with the group of the folder's user. */
const UMASK = 0o117;
const LISTEN_RETRY_MS = 5_000;
const CLOSE_MS_MAX = 1000;

type Consumer = {
  readonly socket: Socket;
  /** Answers it has missed and has not been told of. */
  lost: number;
  /** Writes that the kernel has taken: it reads. */
  taken: number;
  stuck: NodeJS.Timeout | null;
};

export function openSocketSink(path: string, parts: SocketSinkParts): Sink {
  const sink = new SocketSink(path, parts);
  sink.listen();
  return sink;
}

class SocketSink implements Sink {
  readonly #path: string;
  readonly #parts: SocketSinkParts;
  readonly #tally = new Tally();
  readonly #consumers = new Set<Consumer>();
  #server: Server | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(path: string, parts: SocketSinkParts) {
    this.#path = path;
    this.#parts = parts;
  }

  publish(line: string): void {
    for (const consumer of this.#consumers) this.#give(consumer, line);
  }

  counts() {
    return this.#tally.counts();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry) clearTimeout(this.#retry);
    const ended = [...this.#consumers].map(({ socket }) => {
      socket.end();
      return new Promise((resolve) => socket.on('close', resolve).on('finish', resolve));
    });
    // Closing removes the file.
    this.#server?.close();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS_MAX);
    await Promise.race([Promise.all(ended), late]);
    clearTimeout(timer);
    for (const { socket } of this.#consumers) socket.destroy();
  }

  /** A path that cannot be listened on is told once and tried again: the line goes on meanwhile. */
  listen(): void {
    void this.#makeRoom().then((hindrance) => {
      if (this.#isClosed) return;
      if (hindrance === null) this.#open();
      else this.#listenLater(hindrance);
    });
  }

  #open(): void {
    const server = createServer((socket) => this.#welcome(socket));
    server.maxConnections = CONSUMERS_MAX;
    server.on('error', (error) => this.#listenLater(describeError(error)));
    server.on('listening', () => {
      this.#tally.trouble = null;
      this.#parts.log.info({ path: this.#path }, 'answers can be read here');
    });
    const umask = process.umask(UMASK);
    try {
      // The socket is made before listen() returns: with these rights from its first moment.
      server.listen(this.#path);
    } finally {
      process.umask(umask);
    }
    this.#server = server;
    server.unref();
  }

  #listenLater(why: string): void {
    const trouble = `cannot listen on ${this.#path}: ${why}`;
    if (this.#tally.trouble !== trouble) this.#parts.log.warn({ path: this.#path, why }, 'answers cannot be read here');
    this.#tally.trouble = trouble;
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => this.listen(), LISTEN_RETRY_MS);
    this.#retry.unref();
  }

  /** Removes the socket of a process that is gone; what else lies there is somebody's and stays. Null: the way is free. */
  async #makeRoom(): Promise<string | null> {
    const found = lstatSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) return null;
    if (!found.isSocket()) return 'a file that is no socket lies there; move it away';
    if (await isAnswered(this.#path)) return 'another process listens there; stop it';
    try {
      unlinkSync(this.#path);
      return null;
    } catch (error) {
      return `the socket of a process that is gone cannot be removed: ${describeError(error)}`;
    }
  }

  #welcome(socket: Socket): void {
    const consumer: Consumer = { socket, lost: 0, taken: 0, stuck: null };
    this.#consumers.add(consumer);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (consumer.stuck) clearTimeout(consumer.stuck);
      this.#consumers.delete(consumer);
    });
    // Nobody listens to consumers; what they say must not pile up in the kernel either.
    socket.resume();
  }

  #give(consumer: Consumer, line: string): void {
    const { socket } = consumer;
    const limit = consumer.lost === 0 ? UNREAD_BYTES_MAX : UNREAD_BYTES_MAX / 2;
    if (socket.writableLength > limit) {
      this.#lose(consumer);
      return;
    }
    if (consumer.lost > 0) socket.write(`${JSON.stringify({ v: 1, notice: 'answers-lost', count: consumer.lost })}\n`);
    consumer.lost = 0;
    this.#tally.sent(1);
    const hasRoom = socket.write(`${line}\n`, () => {
      consumer.taken += 1;
    });
    if (!hasRoom) this.#watch(consumer);
  }

  #lose(consumer: Consumer): void {
    consumer.lost += 1;
    this.#tally.dropped('slow-reader', 1);
    this.#watch(consumer);
  }

  /** From the moment its buffer is full until it has read something. */
  #watch(consumer: Consumer): void {
    if (consumer.stuck !== null) return;
    const { socket } = consumer;
    const takenBefore = consumer.taken;
    consumer.stuck = setTimeout(() => {
      consumer.stuck = null;
      if (consumer.taken > takenBefore || socket.writableLength === 0) return;
      this.#parts.log.warn({ path: this.#path, lost: consumer.lost }, 'a consumer reads nothing and is let go');
      // At once, not when the socket has closed: what is published in between reaches nobody and must not count as sent.
      this.#consumers.delete(consumer);
      socket.destroy();
    }, this.#parts.stuckMsMax ?? STUCK_MS_MAX);
    consumer.stuck.unref();
  }
}

/** Whether a process accepts connections there. */
function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  const finish = (isUp: boolean) => {
    socket.destroy();
    resolve(isUp);
  };
  socket.on('connect', () => finish(true));
  socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'EAGAIN' || error.code === 'EACCES'));
  return promise;
}
