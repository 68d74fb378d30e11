// One Server-Sent Events answer by hand: frames out, a heartbeat, and an end for readers that cannot keep up.
import type { FastifyReply } from 'fastify';

export type EventStream = {
  /** False: it is over, or has just been ended because its reader is too slow. */
  send(event: { readonly id?: string; readonly event: string; readonly data: string }): boolean;
  end(): void;
};

export type EventStreamOptions = {
  /** When the browser shall try again after a cut; a different one for each, so that they do not come all at once. */
  readonly retryMs: number;
  readonly heartbeatMs: number;
  /** Data of the event `beat`. */
  readonly beat: () => string;
  readonly onEnd: () => void;
};

/** What may wait in memory for one reader: some batches of a fleet of 10,000. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

/** Takes the reply over; nothing else may be sent on it. */
export function openEventStream(reply: FastifyReply, options: EventStreamOptions): EventStream {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  raw.write(`retry: ${options.retryMs}\n\n`);
  const timer = setInterval(() => {
    const data = options.beat();
    send({ event: 'beat', data });
  }, options.heartbeatMs);
  const send: EventStream['send'] = ({ id, event, data }) => {
    if (raw.destroyed || raw.writableEnded) return false;
    if (raw.writableLength > WAITING_BYTES_MAX) {
      raw.destroy();
      return false;
    }
    raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
    return true;
  };
  raw.on('close', () => {
    clearInterval(timer);
    options.onEnd();
  });
  return { send, end: () => raw.end() };
}
