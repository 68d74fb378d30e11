// /sign-in and /sign-out for people: forms that need no script. A one-time link (`?once=`) signs in without a password.
import formbody from '@fastify/formbody';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hashSecret, isSame, newSecret } from '../identity/secrets.ts';
import { SESSION_MS_MAX } from '../identity/session-book.ts';
import { setCookie, setSessionCookie } from './cookies.ts';
import type { SessionRouteParts } from './routes/session.ts';
import type { HttpApp } from './server.ts';
import { onceMoreHtml, PAGE_POLICY, signInHtml, signOutHtml } from './sign-in-html.ts';

/** Binds the form to the browser that was given it, before there is a session. */
const FORM_COOKIE = 'belay_sign_in';
const FORM_SECONDS = 60 * 60;

const text = (length: number) => z.string().max(length).default('');
const querySchema = z.looseObject({ next: text(2000), once: text(200) });
const formSchema = z.looseObject({ name: text(64), password: text(200), csrf: text(200), next: text(2000) });

type Parts = Pick<SessionRouteParts, 'identity' | 'secure'>;
const PUBLIC_PAGE = { needs: 'public', page: true } as const;

export function registerSignInPage(app: HttpApp, parts: Parts): void {
  app.register(async (scoped: HttpApp) => {
    await scoped.register(formbody, { bodyLimit: 16 * 1024 });
    registerSignIn(scoped, parts);
    registerSignOut(scoped, parts);
  });
}

function registerSignIn(app: HttpApp, parts: Parts): void {
  const { identity, secure } = parts;
  app.get(
    '/sign-in',
    { schema: { hide: true, querystring: querySchema }, config: PUBLIC_PAGE },
    async (request, reply) => {
      const { next, once } = request.query;
      if (once !== '') return useLink(parts, request, reply);
      if (request.identity.kind === 'person') return reply.redirect(ownPath(next), 303);
      if (isFromElsewhere(request))
        return send(reply, onceMoreHtml(`/sign-in?next=${encodeURIComponent(ownPath(next))}`));
      return sendForm({ request, reply, secure }, { next, name: '', trouble: null });
    },
  );
  app.post('/sign-in', { schema: { hide: true, body: formSchema }, config: PUBLIC_PAGE }, async (request, reply) => {
    const { name, password, csrf, next } = request.body;
    const exchange = { request, reply, secure };
    const known = request.cookies[FORM_COOKIE];
    if (!known || !isSame(csrf, hashSecret(known)))
      return sendForm(
        { ...exchange, reply: reply.code(403) },
        { next, name, trouble: 'The page was too old. Please try again.' },
      );
    const signedIn = await identity.signIn({ name, password, address: request.ip });
    if (signedIn.kind === 'signed-in') {
      setSessionCookie(reply, { secret: signedIn.secret, maxAgeMs: SESSION_MS_MAX }, secure);
      return reply.redirect(ownPath(next), 303);
    }
    if (signedIn.kind === 'wrong') {
      const trouble = 'Name and password do not belong together, or the account is disabled.';
      return sendForm({ ...exchange, reply: reply.code(401) }, { next, name, trouble });
    }
    const seconds = Math.ceil(signedIn.waitMs / 1000);
    reply.code(429).header('retry-after', seconds);
    return sendForm(exchange, { next, name, trouble: `Too many attempts. Wait ${seconds} s, then try again.` });
  });
}

function registerSignOut(app: HttpApp, { identity, secure }: Parts): void {
  app.get('/sign-out', { schema: { hide: true }, config: PUBLIC_PAGE }, async (request, reply) => {
    const { csrf, identity: caller } = request;
    return csrf === null ? reply.redirect('/sign-in', 303) : send(reply, signOutHtml({ csrf, name: caller.name }));
  });
  app.post('/sign-out', { schema: { hide: true }, config: { needs: 'view', page: true } }, async (request, reply) => {
    const { by } = request.identity;
    if (by.kind === 'session') await identity.sessions.end(by.hash);
    setSessionCookie(reply, null, secure);
    return reply.redirect('/sign-in', 303);
  });
}

async function useLink(
  { identity, secure }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { next, once } = request.query as z.infer<typeof querySchema>;
  const headers = request.headers;
  // A browser or a messenger that looks ahead must not use it up.
  if (headers['sec-purpose'] !== undefined || headers.purpose === 'prefetch') return reply.code(425).send();
  const opened = await identity.signInByLink(once);
  if (opened === null) {
    const trouble =
      'This link was used already, or is too old. Ask for another one, or sign in with name and password.';
    return sendForm({ request, reply: reply.code(401), secure }, { next, name: '', trouble });
  }
  setSessionCookie(reply, { secret: opened.secret, maxAgeMs: SESSION_MS_MAX }, secure);
  return reply.redirect(ownPath(next), 303);
}

type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly secure: boolean };

function sendForm(
  { request, reply, secure }: Exchange,
  facts: { readonly next: string; readonly name: string; readonly trouble: string | null },
): FastifyReply {
  const secret = request.cookies[FORM_COOKIE] || newSecret();
  setCookie(reply, [FORM_COOKIE, secret], { path: '/sign-in', maxAgeSeconds: FORM_SECONDS, secure });
  return send(reply, signInHtml({ ...facts, next: ownPath(facts.next), csrf: hashSecret(secret) }));
}

function send(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .header('content-security-policy', PAGE_POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page);
}

function isFromElsewhere({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
}

/** Only a path of ours: whoever made the link must not choose where the browser goes. */
export function ownPath(next: string): string {
  const parsed = next.startsWith('/') ? URL.parse(next, 'http://here.invalid') : null;
  const path = parsed?.origin === 'http://here.invalid' ? `${parsed.pathname}${parsed.search}${parsed.hash}` : '/';
  return path.startsWith('//') || path.startsWith('/sign-') ? '/' : path;
}
