// One HTTP POST to a receiver: to an address that the rule allows and no other, no redirect followed, a deadline for all of it,
// and no more of the answer kept than a person reads. Never throws.
import { lookup as resolve } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { describeError } from '../../shared/basics/errors.ts';
import type { AddressRule } from './address-rule.ts';

export type Letter = { readonly url: string; readonly secret: string; readonly eventId: string; readonly body: string };

export type Sent = {
  readonly status: number | null;
  /** Null: it was taken (2xx). */
  readonly error: string | null;
  readonly answer: string;
  readonly tookMs: number;
  readonly retryAfterMs: number | null;
};

export type SendParts = {
  readonly rule: AddressRule;
  readonly timeoutMs: number;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly signal: AbortSignal;
};

const ANSWER_CHARS_MAX = 1000;
const ANSWER_BYTES_MAX = 4000;

type Answer = Pick<Sent, 'status' | 'answer' | 'retryAfterMs'> & { readonly location: string | null };

export async function send(letter: Letter, parts: SendParts): Promise<Sent> {
  const beganMs = parts.monotonicNow();
  const took = () => Math.round((parts.monotonicNow() - beganMs) * 10) / 10;
  const refusal = parts.rule.refuseUrl(letter.url);
  if (refusal !== null) return { status: null, error: refusal, answer: '', tookMs: took(), retryAfterMs: null };
  try {
    const { location, ...answer } = await post(letter, parts);
    return { ...answer, error: faultOf(answer.status ?? 0, location), tookMs: took() };
  } catch (error) {
    return { status: null, error: tellFault(error, parts), answer: '', tookMs: took(), retryAfterMs: null };
  }
}

function faultOf(status: number, location: string | null): string | null {
  if (status >= 200 && status < 300) return null;
  if (location !== null) return `answered ${status} to ${location.slice(0, 200)}; redirects are not followed`;
  return `answered ${status}`;
}

function tellFault(error: unknown, { timeoutMs }: SendParts): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  return describeError(error).slice(0, 500) || 'the connection failed';
}

function post(letter: Letter, parts: SendParts): Promise<Answer> {
  const { promise, resolve: done, reject } = Promise.withResolvers<Answer>();
  const signal = AbortSignal.any([AbortSignal.timeout(parts.timeoutMs), parts.signal]);
  const request = open(letter, parts);
  // Not given to the request: its own way of aborting forgets the reason.
  signal.addEventListener('abort', () => request.destroy(signal.reason), { once: true });
  request.on('error', reject);
  request.on('response', (response) => readAnswer(response).then(done, reject));
  request.end(letter.body);
  return promise;
}

function open({ url, secret, eventId, body }: Letter, { rule, wallNow }: SendParts): ClientRequest {
  const now = new Date(wallNow());
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'belay-webhooks',
    'webhook-id': eventId,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(eventId, now, body),
  };
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  // No connection is kept: an idle one to a receiver that went away would fail the next delivery.
  return request(url, { method: 'POST', headers, agent: false, lookup: guardedLookup(rule) });
}

/** The address that is looked at is the one that is connected to: a name cannot be pointed elsewhere in between. */
function guardedLookup(rule: AddressRule): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '');
      const allowed = addresses.filter(({ address }) => rule.refuseAddress(address) === null);
      const [first] = allowed;
      if (first === undefined) {
        const why = addresses.map(({ address }) => rule.refuseAddress(address)).find((text) => text !== null);
        return done(new Error(`${hostname} leads nowhere: ${why ?? 'it has no address'}`), '');
      }
      return options.all === true ? done(null, allowed) : done(null, first.address, first.family);
    });
  };
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= ANSWER_BYTES_MAX) break; // ends the connection too
  }
  const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
  const answer = text.length > ANSWER_CHARS_MAX ? `${text.slice(0, ANSWER_CHARS_MAX)}…` : text;
  const isRedirect = status >= 300 && status < 400;
  return { status, answer, location: isRedirect ? (headers.location ?? '') : null, retryAfterMs: patience(headers) };
}

function patience(headers: IncomingMessage['headers']): number | null {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return seconds >= 0 ? seconds * 1000 : null;
}
