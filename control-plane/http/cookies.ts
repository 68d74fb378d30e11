// Cookies that this control plane sets: never read by scripts, never sent along by another site.
import type { FastifyReply } from 'fastify';

export const SESSION_COOKIE = 'belay_session';

export type CookieOptions = {
  readonly path: string;
  /** 0 removes it. */
  readonly maxAgeSeconds: number;
  /** Over TLS alone. */
  readonly secure: boolean;
};

export function setCookie(reply: FastifyReply, [name, value]: readonly [string, string], options: CookieOptions): void {
  const { path, maxAgeSeconds: maxAge, secure } = options;
  reply.setCookie(name, value, { path, maxAge, secure, httpOnly: true, sameSite: 'strict' });
}

export type SessionCookie = { readonly secret: string; readonly maxAgeMs: number } | null;

/** Null removes it. */
export function setSessionCookie(reply: FastifyReply, cookie: SessionCookie, secure: boolean): void {
  const maxAgeSeconds = cookie === null ? 0 : Math.floor(cookie.maxAgeMs / 1000);
  setCookie(reply, [SESSION_COOKIE, cookie?.secret ?? ''], { path: '/', maxAgeSeconds, secure });
}
