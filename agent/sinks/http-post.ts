// One POST of answers, and what became of it. Never throws: whatever the other side does is a value.
import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { describeError } from '../../shared/basics/errors.ts';

export type Post = {
  readonly url: URL;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

export type PostResult =
  | { readonly kind: 'taken' }
  /** It will never take these answers: sending them again is of no use. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

/** A receiver that asks for more patience than this is asked again anyway. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Busy or slow, not unwilling. */
const PASSING = new Set([408, 425, 429]);

export async function post(parts: Post): Promise<PostResult> {
  // Over all of it: a receiver that answers one byte a second is as slow as one that answers nothing.
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(parts.timeoutMs)]);
  try {
    return resultOf(await send(parts, signal), parts.url);
  } catch (error) {
    const isLate = signal.aborted && !parts.signal.aborted;
    const reason = isLate ? `no answer within ${parts.timeoutMs} ms` : describeError(error);
    return { kind: 'failed', reason: `${parts.url.origin}: ${reason}`, retryAfterMs: 0 };
  }
}

function send({ url, body, headers, agent }: Post, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const length = Buffer.byteLength(body);
  const all = { 'content-type': 'application/x-ndjson', ...headers, 'content-length': String(length) };
  const begin = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = begin(url, { method: 'POST', headers: all, agent, signal }, (response) => {
    response.on('error', reject);
    response.on('end', () => resolve(response));
    // Nobody reads what it says; it must be read so that the connection can be used again.
    response.resume();
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

function resultOf(response: IncomingMessage, url: URL): PostResult {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const reason = `${url.origin} answers ${status}`;
  if (status >= 500 || PASSING.has(status)) return { kind: 'failed', reason, retryAfterMs: retryAfterMs(response) };
  return { kind: 'refused', reason };
}

function retryAfterMs(response: IncomingMessage): number {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : 0;
}
