// /v1/session: sign in, who am I, sign out, one's own password, a one-time link. Answers say nothing about which names exist.
import type { FastifyReply } from 'fastify';
import {
  linkSchema,
  passwordBodySchema,
  type SessionAnswer,
  sessionSchema,
  signedOutSchema,
  signInBodySchema,
} from '../../../shared/protocol/api-identity.ts';
import type { Caller } from '../../identity/caller.ts';
import type { IdentityRoom, SignedIn } from '../../identity/identity.ts';
import { type OpenedSession, SESSION_MS_MAX } from '../../identity/session-book.ts';
import { setSessionCookie } from '../cookies.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['identity'];

export type SessionRouteParts = {
  readonly identity: IdentityRoom;
  /** Cookies go over TLS alone. */
  readonly secure: boolean;
  readonly apiUrl: () => string;
};

export function registerSessionRoutes(app: HttpApp, parts: SessionRouteParts): void {
  registerSignIn(app, parts);
  registerSignOut(app, parts);
  registerPassword(app, parts);
  registerLink(app, parts);
}

function registerSignIn(app: HttpApp, { identity, secure }: SessionRouteParts): void {
  app.post(
    '/v1/session',
    {
      schema: {
        tags: TAGS,
        summary: 'Sign in with name and password; sets the cookie of the session',
        body: signInBodySchema,
        response: { 200: sessionSchema },
      },
      config: { needs: 'public', problems: ['sign-in-needed', 'too-many-attempts', 'csrf'] },
    },
    async (request, reply) => {
      const { name, password } = request.body;
      const signedIn = await identity.signIn({ name, password, address: request.ip });
      return beginSession({ identity, secure }, reply, accepted(signedIn, reply));
    },
  );
  app.get(
    '/v1/session',
    {
      schema: { tags: TAGS, summary: 'Who is asking, and what that allows', response: { 200: sessionSchema } },
      config: { needs: 'public', problems: ['sign-in-needed'] },
    },
    async ({ identity: caller, csrf }) => {
      if (caller.kind === 'nobody' && caller.grants.length === 0)
        throw new ProblemError('sign-in-needed', 'nobody is signed in');
      return answerOf(caller, csrf);
    },
  );
}

function registerSignOut(app: HttpApp, { identity, secure }: SessionRouteParts): void {
  app.delete(
    '/v1/session',
    {
      schema: { tags: TAGS, summary: 'Sign out', response: { 200: signedOutSchema } },
      config: { needs: 'view', problems: ['conflict', 'csrf'] },
    },
    async (request, reply) => {
      await identity.sessions.end(sessionOf(request.identity).hash);
      setSessionCookie(reply, null, secure);
      return { signedOut: true as const };
    },
  );
}

function registerPassword(app: HttpApp, { identity, secure }: SessionRouteParts): void {
  app.put(
    '/v1/session/password',
    {
      schema: {
        tags: TAGS,
        summary: "Change one's own password; ends every other session of the account",
        body: passwordBodySchema,
        response: { 200: sessionSchema },
      },
      config: { needs: 'view', problems: ['conflict', 'csrf', 'too-many-attempts'] },
    },
    async (request, reply) => {
      const { name } = request.identity;
      sessionOf(request.identity);
      const checked = await identity.check({ name, password: request.body.current, address: request.ip });
      if (checked.kind !== 'right') throw refusalOf(checked, reply, 'the current password is not right');
      const passwordHash = await identity.hash(request.body.password);
      await identity.accounts.change(name, { passwordHash, reason: 'its own password' }, name);
      await identity.sessions.endAll(name);
      return beginSession({ identity, secure }, reply, await identity.sessions.begin(name));
    },
  );
}

function registerLink(app: HttpApp, { identity, apiUrl }: SessionRouteParts): void {
  app.post(
    '/v1/session/link',
    {
      schema: {
        tags: TAGS,
        summary: 'A link that signs the account of this session in once, within minutes, in another browser',
        response: { 201: linkSchema },
      },
      config: { needs: 'view', problems: ['conflict', 'csrf'] },
    },
    async (request, reply) => {
      sessionOf(request.identity);
      const { secret, endsAtMs } = identity.sessions.newLink(request.identity.name);
      return reply.code(201).send({ url: `${apiUrl()}/sign-in?once=${secret}`, expiresAtMs: endsAtMs });
    },
  );
}

export function beginSession(
  { identity, secure }: Pick<SessionRouteParts, 'identity' | 'secure'>,
  reply: FastifyReply,
  { secret, csrf }: OpenedSession,
): SessionAnswer {
  setSessionCookie(reply, { secret, maxAgeMs: SESSION_MS_MAX }, secure);
  const found = identity.whoHasSession(secret);
  if (!found) throw new ProblemError('sign-in-needed', 'the account was disabled meanwhile');
  return answerOf(found.caller, csrf);
}

/** Throws what else it may be. */
function accepted(signedIn: SignedIn, reply: FastifyReply): OpenedSession {
  if (signedIn.kind === 'signed-in') return signedIn;
  throw refusalOf(signedIn, reply, 'name and password do not belong together, or the account is disabled');
}

function refusalOf(refused: Exclude<SignedIn, OpenedSession>, reply: FastifyReply, why: string): ProblemError {
  if (refused.kind === 'wrong') return new ProblemError('sign-in-needed', why);
  const seconds = Math.ceil(refused.waitMs / 1000);
  reply.header('retry-after', seconds);
  return new ProblemError('too-many-attempts', `wait ${seconds} s, then try again`);
}

function answerOf({ by, ...who }: Caller, csrf: string | null): SessionAnswer {
  const expiresAtMs = by.kind === 'session' || by.kind === 'token' ? by.endsAtMs : null;
  return { identity: who, csrf, expiresAtMs, open: who.kind === 'nobody' };
}

function sessionOf({ by, kind }: Caller) {
  if (by.kind === 'session') return by;
  const why =
    kind === 'token' ? 'this is a token, not a session: sign in with the password' : 'nobody is signed in here';
  throw new ProblemError('conflict', why);
}
