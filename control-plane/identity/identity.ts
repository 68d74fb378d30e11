// The door of the room: who asks, and what that allows. Local accounts, sessions and API tokens. What comes later has its
// place: OIDC and mTLS end in a `Caller` as passwords do (`whoHas…`), enrolment makes device credentials that `whoAsks`
// (http/access.ts) reads beside today's derived password; signed metadata is no matter of this room.
import { describeError } from '../../shared/basics/errors.ts';
import { intersectGrants } from '../../shared/protocol/permissions.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import { AccountBook, isAdmin } from './account-book.ts';
import type { Caller } from './caller.ts';
import { openFailedSignIns } from './failed-sign-ins.ts';
import { hashPassword, isOutdated, isPassword, PASSWORD_COST, type PasswordCost } from './passwords.ts';
import { csrfOf } from './secrets.ts';
import { endOf, type OpenedSession, SessionBook } from './session-book.ts';
import { networkOf, SignInThrottle } from './throttle.ts';
import { TokenBook } from './token-book.ts';
import { Turns } from './turns.ts';

export type SignInInput = { readonly name: string; readonly password: string; readonly address: string };
export type SignedIn =
  | ({ readonly kind: 'signed-in' } & OpenedSession)
  | { readonly kind: 'wrong' }
  | { readonly kind: 'wait'; readonly waitMs: number };

export type IdentityParts = {
  readonly database: Database;
  readonly audit: Audit;
  readonly wallNow: () => number;
  readonly log: { warn(fields: object, message: string): void };
  readonly cost?: PasswordCost;
};

/** Password checks: each costs 32 MiB and a core. Behind one address may be a whole plant, but never every place. */
const CHECKS = { atOnce: 2, waitingMax: 16, ofSourceMax: 9 };
const BUSY_WAIT_MS = 2000;

export type IdentityRoom = {
  readonly accounts: AccountBook;
  readonly sessions: SessionBook;
  readonly tokens: TokenBook;
  hash(password: string): Promise<string>;
  signIn(input: SignInInput): Promise<SignedIn>;
  /** Whether this is the password of the account; counts as an attempt to sign in. */
  check(input: SignInInput): Promise<{ readonly kind: 'right' } | Exclude<SignedIn, { kind: 'signed-in' }>>;
  /** Begins a session without a password, for a link that was made for it; null when the link is not good. */
  signInByLink(secret: string): Promise<OpenedSession | null>;
  whoHasSession(secret: string): { readonly caller: Caller; readonly csrf: string } | null;
  whoHasToken(secret: string): Caller | null;
  hasAdmin(): boolean;
};

export async function openIdentity(parts: IdentityParts): Promise<IdentityRoom> {
  const { database, audit, wallNow, log, cost = PASSWORD_COST } = parts;
  const onFault = (error: unknown) =>
    log.warn({ error: describeError(error) }, 'who signed in could not be stored; it goes on in memory');
  const accounts = await AccountBook.open(parts);
  const sessions = await SessionBook.open({ database, wallNow, onFault });
  const tokens = await TokenBook.open({ database, audit, wallNow, onFault });
  const check = openCheck(parts, accounts);
  const begin = async (name: string, how: string): Promise<OpenedSession> => {
    const opened = await sessions.begin(name);
    await accounts.signedIn(name, wallNow()).catch(onFault);
    const entry = { actor: name, action: 'signed-in', subject: `account/${name}`, reason: how };
    await audit.append(database, entry).catch(onFault);
    return opened;
  };
  return {
    accounts,
    sessions,
    tokens,
    hash: (password) => hashPassword(password, cost),
    check,
    signIn: async (input) => {
      const checked = await check(input);
      if (checked.kind !== 'right') return checked;
      return { kind: 'signed-in', ...(await begin(input.name, `with its password, from ${input.address}`)) };
    },
    signInByLink: async (secret) => {
      const name = sessions.useLink(secret);
      return name === null || accounts.get(name)?.disabled !== false ? null : begin(name, 'with a one-time link');
    },
    whoHasSession: (secret) => whoHasSession({ accounts, sessions }, secret),
    whoHasToken: (secret) => whoHasToken({ accounts, tokens }, secret),
    hasAdmin: () => accounts.list().some(isAdmin),
  };
}

function openCheck(parts: IdentityParts, accounts: AccountBook): IdentityRoom['check'] {
  const { wallNow, cost = PASSWORD_COST } = parts;
  const throttle = new SignInThrottle();
  const failed = openFailedSignIns(parts);
  const turns = new Turns(CHECKS);
  return async ({ name, password, address }) => {
    const attempt = { account: name, address };
    const source = networkOf(address);
    // Who is sent away before a look at the password has not guessed: it does not count.
    if (turns.isFull(source)) return { kind: 'wait', waitMs: BUSY_WAIT_MS };
    const waitMs = throttle.attempt(attempt, wallNow());
    if (waitMs > 0) return { kind: 'wait', waitMs };
    const account = accounts.get(name);
    const isIt = await turns.take(source, () => isPassword(account?.password ?? null, password, cost));
    const isRight = isIt && account !== null && !account.disabled;
    if (!isRight) {
      await failed(account?.name ?? null, address);
      return { kind: 'wrong' };
    }
    throttle.succeeded(attempt);
    if (isOutdated(account.password, cost)) {
      const change = { passwordHash: await hashPassword(password, cost), reason: 'hashed at the cost of today' };
      await accounts.change(name, change, 'belay');
    }
    return { kind: 'right' };
  };
}

function whoHasSession(
  { accounts, sessions }: { readonly accounts: AccountBook; readonly sessions: SessionBook },
  secret: string,
): { readonly caller: Caller; readonly csrf: string } | null {
  const session = sessions.find(secret);
  const account = session && accounts.get(session.account);
  if (!session || !account || account.disabled) return null;
  const { name, grants, mayKill } = account;
  const by = { kind: 'session', hash: session.hash, endsAtMs: endOf(session) } as const;
  return { caller: { name, kind: 'person', grants, mayKill, by }, csrf: csrfOf(secret) };
}

/** A token acts in the name of its owner: nobody approves what they asked for by way of a token. */
function whoHasToken(
  { accounts, tokens }: { readonly accounts: AccountBook; readonly tokens: TokenBook },
  secret: string,
): Caller | null {
  const token = tokens.find(secret);
  const owner = token && accounts.get(token.owner);
  if (!token || !owner || owner.disabled) return null;
  const grants = intersectGrants(token.grants, owner.grants);
  const by = { kind: 'token', id: token.id, name: token.name, endsAtMs: token.expiresAtMs } as const;
  return { name: owner.name, kind: 'token', grants, mayKill: token.mayKill && owner.mayKill, by };
}
