// Idempotency-Key on everything that changes something: the same key is the same act, and gets the same answer. One hook; no
// route knows of it. A kill has no part in it: it is idempotent by nature, and waits for no database.
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { Database } from '../database/database.ts';
import type { HttpApp } from './app.ts';
import { isChange, isDryRun, isIdempotentByNature, routeOf } from './effects.ts';
import {
  ANSWERS_KEPT_MS,
  beginKey,
  findKey,
  type KeyedRequest,
  type KeyRow,
  keepAnswer,
  readKept,
  releaseKey,
} from './idempotency-rows.ts';
import { ProblemError } from './problems.ts';

export type IdempotencyParts = {
  readonly database: Database;
  readonly wallNow: () => number;
  /** Who asks; keys of different people never meet. Null: a stranger, whose key has no meaning. */
  readonly whoOf: (request: FastifyRequest) => string | null;
};

const REPLAYED_HEADER = 'idempotent-replayed';
const KEY_PATTERN = /^[\x21-\x7e]{1,200}$/;
/** Headers that belong to the answer and are sent again with it. */
const KEPT_HEADERS = ['content-type', 'etag', 'location'] as const;

const SECRETS: ReadonlySet<string> = new Set(['password', 'current', 'secret', 'token']);

/** Before any route is registered, and after whatever finds out who asks. */
export function installIdempotency(app: HttpApp, parts: IdempotencyParts): void {
  const inFlight = new Set<string>();
  const begun = new WeakMap<FastifyRequest, KeyedRequest>();
  app.addHook('preHandler', async (request, reply) => {
    const asked = readKey(request, parts);
    if (asked === null) return undefined;
    const name = nameOf(asked);
    // Nothing is waited for between the look and the mark: two at once cannot both pass.
    if (inFlight.has(name))
      throw new ProblemError('in-flight', `${asked.route} with this key has not been answered yet`);
    inFlight.add(name);
    try {
      const known = await findKey(parts.database, asked);
      if (known !== null && parts.wallNow() - known.begun_at_ms < ANSWERS_KEPT_MS) {
        inFlight.delete(name);
        return await replay(reply, known, asked);
      }
      await beginKey(parts.database, asked, parts.wallNow());
      begun.set(request, asked);
    } catch (error) {
      inFlight.delete(name);
      throw error;
    }
    return undefined;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const asked = begun.get(request);
    if (asked === undefined) return;
    begun.delete(request);
    try {
      await settle(parts.database, asked, { reply, payload });
    } catch (error) {
      // It was done: its answer goes out. A repetition is told that the outcome is not known.
      request.log.error({ err: error, route: asked.route }, 'the answer to a request with a key could not be kept');
    } finally {
      inFlight.delete(nameOf(asked));
    }
  });
}

/** Null: there is no key, or it has no meaning here. */
function readKey(request: FastifyRequest, { whoOf }: IdempotencyParts): KeyedRequest | null {
  const key = request.headers['idempotency-key'];
  const route = routeOf(request);
  if (key === undefined || request.is404 || !isChange(request.method, route) || isIdempotentByNature(route))
    return null;
  const who = whoOf(request);
  if (who === null || isDryRun(request)) return null;
  if (typeof key !== 'string' || !KEY_PATTERN.test(key))
    throw new ProblemError('invalid-request', 'Idempotency-Key must be 1 to 200 visible characters');
  const at = `${request.method} ${request.url}`;
  const requestHash = createHash('sha256')
    .update(`${at}\n${canonicalJson(withoutSecrets(request.body ?? null))}`)
    .digest('hex');
  return { who, key, route: at, requestHash };
}

/** A hash of a password could be guessed by whoever gets hold of the database. */
function withoutSecrets(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !SECRETS.has(name)));
}

function nameOf({ who, key }: KeyedRequest): string {
  return JSON.stringify([who, key]);
}

async function replay(reply: FastifyReply, known: KeyRow, asked: KeyedRequest): Promise<FastifyReply> {
  if (known.request_hash !== asked.requestHash)
    throw new ProblemError('key-reused', `this key was used for ${known.route}, with another body or address`);
  const kept = await readKept(known);
  if (kept === null) {
    const what =
      known.status === null
        ? 'the control plane ended before it was answered'
        : `it was done (${known.status}), and its answer is shown once`;
    throw new ProblemError('outcome-unknown', `${asked.route} was asked before with this key: ${what}`);
  }
  reply.serializer(String);
  return reply.code(kept.status).headers(kept.headers).header(REPLAYED_HEADER, 'true').send(kept.body);
}

type Sent = { readonly reply: FastifyReply; readonly payload: unknown };

async function settle(database: Database, asked: KeyedRequest, { reply, payload }: Sent): Promise<void> {
  const status = reply.statusCode;
  // Something failed half way: nobody knows. Everything else that is no success was refused before anything was done.
  if (status === 500) return;
  if (status < 200 || status >= 300) return releaseKey(database, asked);
  const isSecret = String(reply.getHeader('cache-control') ?? '').includes('no-store') || reply.hasHeader('set-cookie');
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => (reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [])),
  );
  await keepAnswer(database, asked, { status, headers, body: isSecret ? null : textOf(payload) });
}

function textOf(payload: unknown): string | null {
  if (payload === undefined || payload === null) return '';
  if (typeof payload === 'string') return payload;
  return Buffer.isBuffer(payload) ? payload.toString('utf8') : null;
}
