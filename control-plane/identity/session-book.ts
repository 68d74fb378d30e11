// Who is signed in: random cookies of which only the hash is kept, ended by idleness, by age, and with the account. In
// memory first: a session goes on, and can kill, while the database is not there.
import type { Database } from '../database/database.ts';
import { csrfOf, hashSecret, newSecret } from './secrets.ts';

/** A night shift, and a week. */
export const IDLE_MS_MAX = 12 * 60 * 60_000;
export const SESSION_MS_MAX = 7 * 24 * 60 * 60_000;
/** How exactly the database knows when a session was last used. */
const STORE_SEEN_EVERY_MS = 60_000;
const SESSIONS_PER_ACCOUNT_MAX = 50;
const LINK_MS = 15 * 60_000;
const LINKS_MAX = 100;

export type Session = {
  readonly hash: string;
  readonly account: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly endsAtMs: number;
};
/** `secret` goes into the cookie and is not kept. */
export type OpenedSession = { readonly secret: string; readonly csrf: string; readonly session: Session };

export type SessionParts = {
  readonly database: Database;
  readonly wallNow: () => number;
  readonly onFault: (error: unknown) => void;
};

export class SessionBook {
  readonly #parts: SessionParts;
  readonly #sessions = new Map<string, Session>();
  readonly #links = new Map<string, { readonly account: string; readonly endsAtMs: number }>();

  private constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  static async open(parts: SessionParts): Promise<SessionBook> {
    const book = new SessionBook(parts);
    for (const row of await parts.database.selectFrom('sessions').selectAll().execute()) {
      const { hash, account, created_at_ms, seen_at_ms, ends_at_ms } = row;
      const times = { createdAtMs: created_at_ms, seenAtMs: seen_at_ms, endsAtMs: ends_at_ms };
      book.#sessions.set(hash, { hash, account, ...times });
    }
    return book;
  }

  async begin(account: string): Promise<OpenedSession> {
    const nowMs = this.#parts.wallNow();
    await this.#makeRoom(account, nowMs);
    const secret = newSecret();
    const times = { createdAtMs: nowMs, seenAtMs: nowMs, endsAtMs: nowMs + SESSION_MS_MAX };
    const session: Session = { hash: hashSecret(secret), account, ...times };
    this.#sessions.set(session.hash, session);
    const { createdAtMs, seenAtMs, endsAtMs } = session;
    const row = { created_at_ms: createdAtMs, seen_at_ms: seenAtMs, ends_at_ms: endsAtMs };
    await this.#store((it) =>
      it
        .insertInto('sessions')
        .values({ hash: session.hash, account, ...row })
        .execute(),
    );
    return { secret, csrf: csrfOf(secret), session };
  }

  /** Null: unknown, ended or too old. Using it keeps it from being idle. */
  find(secret: string): Session | null {
    const session = this.#sessions.get(hashSecret(secret));
    if (!session) return null;
    const nowMs = this.#parts.wallNow();
    if (isOver(session, nowMs)) {
      void this.end(session.hash);
      return null;
    }
    if (Math.abs(nowMs - session.seenAtMs) < STORE_SEEN_EVERY_MS) return session;
    const seen = { ...session, seenAtMs: nowMs };
    this.#sessions.set(session.hash, seen);
    void this.#store((it) =>
      it.updateTable('sessions').set({ seen_at_ms: nowMs }).where('hash', '=', session.hash).execute(),
    );
    return seen;
  }

  async end(hash: string): Promise<void> {
    this.#sessions.delete(hash);
    await this.#store((it) => it.deleteFrom('sessions').where('hash', '=', hash).execute());
  }

  /** Every session and every link of an account. */
  async endAll(account: string): Promise<void> {
    for (const [hash, link] of this.#links) if (link.account === account) this.#links.delete(hash);
    for (const session of this.#sessions.values()) if (session.account === account) this.#sessions.delete(session.hash);
    await this.#store((it) => it.deleteFrom('sessions').where('account', '=', account).execute());
  }

  /** A secret that begins one session, once, soon. Kept in memory alone. */
  newLink(account: string): { readonly secret: string; readonly endsAtMs: number } {
    const secret = newSecret();
    const endsAtMs = this.#parts.wallNow() + LINK_MS;
    this.#links.set(hashSecret(secret), { account, endsAtMs });
    const [oldest] = this.#links.keys();
    if (this.#links.size > LINKS_MAX && oldest !== undefined) this.#links.delete(oldest);
    return { secret, endsAtMs };
  }

  /** The account that it was made for; null when it was used, is too old, or never was. */
  useLink(secret: string): string | null {
    const hash = hashSecret(secret);
    const link = this.#links.get(hash);
    this.#links.delete(hash);
    return link && this.#parts.wallNow() < link.endsAtMs ? link.account : null;
  }

  /** Sessions that are over go; an account that keeps signing in loses its oldest ones. */
  async #makeRoom(account: string, nowMs: number): Promise<void> {
    const over = [...this.#sessions.values()].filter((session) => isOver(session, nowMs));
    const own = [...this.#sessions.values()].filter(
      (session) => session.account === account && !over.includes(session),
    );
    const oldest = own
      .sort((a, b) => a.seenAtMs - b.seenAtMs)
      .slice(0, Math.max(0, own.length - SESSIONS_PER_ACCOUNT_MAX + 1));
    for (const { hash } of [...over, ...oldest]) await this.end(hash);
  }

  async #store(write: (database: Database) => Promise<unknown>): Promise<void> {
    try {
      await write(this.#parts.database);
    } catch (error) {
      this.#parts.onFault(error);
    }
  }
}

/** A clock that was set back must not make a session live longer. */
function isOver({ createdAtMs, seenAtMs, endsAtMs }: Session, nowMs: number): boolean {
  return nowMs >= endsAtMs || nowMs - seenAtMs >= IDLE_MS_MAX || nowMs < createdAtMs - IDLE_MS_MAX;
}

/** When it ends if nobody uses it any more. */
export function endOf({ seenAtMs, endsAtMs }: Session): number {
  return Math.min(endsAtMs, seenAtMs + IDLE_MS_MAX);
}
