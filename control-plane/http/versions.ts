// ETag, If-Match and If-None-Match. What has a version says it as `"v12.<content>"`: If-Match compares what stands before the
// dot, If-None-Match the whole. Everything else that is polled has a tag of its content alone.
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Expected, Stale } from '../core/expected.ts';
import type { HttpApp } from './app.ts';
import { ProblemError } from './problems.ts';

/** Tags of more than this cost more than they save. */
const TAGGED_CHARACTERS_MAX = 4_000_000;
/** Clocks in an answer do not make it another one. */
const CLOCKS = /"(?:nowMs|dataAgeMs)":\d+(?:\.\d+)?,?/g;

export function tagOf(version: string | number): string {
  return `"v${version}"`;
}

/** Says which version the answer is of. */
export function setVersion(reply: FastifyReply, version: string | number): void {
  reply.header('etag', tagOf(version));
}

/** Throws 428 without If-Match where it is required. */
export function readExpected(request: FastifyRequest, { isRequired }: { readonly isRequired: boolean }): Expected {
  const header = request.headers['if-match'];
  if (header === undefined) {
    if (!isRequired) return null;
    throw new ProblemError('precondition-required', `${request.method} ${request.url} needs an If-Match`);
  }
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.includes('*') ? null : tags.map(versionOf);
}

/** A tag that is none of ours stays as it is, and fits nothing. Proxies that compress make tags weak. */
function versionOf(tag: string): string {
  return /^(?:W\/)?"v([A-Za-z0-9_-]+)(?:\.[^"]*)?"$/.exec(tag)?.[1] ?? tag;
}

export function staleProblem(what: string, { version, now }: Stale): ProblemError {
  const text = `${what} has changed since it was read: it is at version ${version} now. ${now}`.trim();
  return new ProblemError('precondition-failed', text, [], tagOf(version));
}

/** Tags what is read, and answers 304 to whoever has it already. */
export function installTags(app: HttpApp): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || reply.statusCode !== 200) return payload;
    if (typeof payload !== 'string' || payload.length > TAGGED_CHARACTERS_MAX) return payload;
    const given = reply.getHeader('etag');
    if (given !== undefined && !String(given).startsWith('"v')) return payload;
    const tag = given === undefined ? contentTag(payload) : `${String(given).slice(0, -1)}.${contentOf(payload)}"`;
    return isKnownAs(tag, request, reply) ? null : payload;
  });
}

/** Of an answer without a version: the same content has the same tag. */
export function contentTag(payload: string): string {
  return `W/"${contentOf(payload)}"`;
}

function contentOf(payload: string): string {
  return hash('sha1', payload.replaceAll(CLOCKS, ''), 'base64url');
}

/** Tags the answer; true: whoever asks has it already, and is told that with 304 and no body. */
export function isKnownAs(tag: string, request: FastifyRequest, reply: FastifyReply): boolean {
  reply.header('etag', tag);
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-cache');
  if (!isKnown(request.headers['if-none-match'], tag)) return false;
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  return true;
}

/** Weak comparison (RFC 9110 §13.1.2). */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const plain = (text: string) => text.trim().replace(/^W\//, '');
  return header.split(',').some((known) => known.trim() === '*' || plain(known) === plain(tag));
}
