// API tokens: shown once, kept as a hash, ended by time or by revoking. A token may at most what its owner may at the moment
// of use; when the owner is disabled, so are the tokens. In memory first, as sessions are.
import type { ApiToken, Grant } from '../../shared/protocol/api-identity.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import { hashSecret, newId, newSecret } from './secrets.ts';

export const TOKEN_PREFIX = 'bly_';
const DAY_MS = 24 * 60 * 60_000;
const STORE_USED_EVERY_MS = 60_000;

type StoredToken = ApiToken & { readonly hash: string };

export type NewToken = {
  readonly name: string;
  readonly owner: string;
  readonly grants: readonly Grant[];
  readonly mayKill: boolean;
  readonly days: number;
};

export type TokenParts = {
  readonly database: Database;
  readonly audit: Audit;
  readonly wallNow: () => number;
  readonly onFault: (error: unknown) => void;
};

export class TokenBook {
  readonly #parts: TokenParts;
  readonly #byHash: Map<string, StoredToken>;

  private constructor(parts: TokenParts, tokens: readonly StoredToken[]) {
    this.#parts = parts;
    this.#byHash = new Map(tokens.map((token) => [token.hash, token]));
  }

  static async open(parts: TokenParts): Promise<TokenBook> {
    return new TokenBook(parts, (await parts.database.selectFrom('api_tokens').selectAll().execute()).map(fromRow));
  }

  /** The only time that its secret is told. */
  async create({ name, owner, grants, mayKill, days }: NewToken): Promise<ApiToken & { readonly token: string }> {
    const secret = newSecret(TOKEN_PREFIX);
    const nowMs = this.#parts.wallNow();
    const token: StoredToken = {
      id: newId('t-'),
      hash: hashSecret(secret),
      name,
      owner,
      grants: [...grants],
      mayKill,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + days * DAY_MS,
      lastUsedAtMs: null,
    };
    const { database, audit } = this.#parts;
    const details = { name, grants: token.grants, mayKill, expiresAtMs: token.expiresAtMs };
    const entry = {
      actor: owner,
      action: 'token-created',
      subject: `token/${token.id}`,
      reason: `called "${name}"`,
      details,
    };
    await database.transaction().execute(async (transaction) => {
      await transaction.insertInto('api_tokens').values(toRow(token)).execute();
      await audit.append(transaction, entry);
    });
    this.#byHash.set(token.hash, token);
    return { ...shown(token), token: secret };
  }

  /** Null: unknown, revoked or expired. */
  find(secret: string): ApiToken | null {
    const token = secret.startsWith(TOKEN_PREFIX) ? this.#byHash.get(hashSecret(secret)) : undefined;
    const nowMs = this.#parts.wallNow();
    if (!token || nowMs >= token.expiresAtMs) return null;
    if (Math.abs(nowMs - (token.lastUsedAtMs ?? 0)) >= STORE_USED_EVERY_MS) this.#used(token, nowMs);
    return shown(token);
  }

  get(id: string): ApiToken | null {
    const token = this.list().find((one) => one.id === id);
    return token ?? null;
  }

  /** Newest first; also those that have expired. */
  list(): readonly ApiToken[] {
    return [...this.#byHash.values()].map(shown).sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** At once, whatever the database says; throws when it could not be stored, so that it is tried again. */
  async revoke(id: string, actor: string): Promise<void> {
    const token = [...this.#byHash.values()].find((one) => one.id === id);
    if (!token) return;
    this.#byHash.delete(token.hash);
    const { database, audit } = this.#parts;
    const entry = { actor, action: 'token-revoked', subject: `token/${id}`, reason: `called "${token.name}"` };
    try {
      await database.transaction().execute(async (transaction) => {
        await transaction.deleteFrom('api_tokens').where('id', '=', id).execute();
        await audit.append(transaction, { ...entry, details: { owner: token.owner } });
      });
    } catch (error) {
      this.#byHash.set(token.hash, { ...token, expiresAtMs: 0 });
      throw error;
    }
  }

  #used(token: StoredToken, nowMs: number): void {
    this.#byHash.set(token.hash, { ...token, lastUsedAtMs: nowMs });
    const { database, onFault } = this.#parts;
    database
      .updateTable('api_tokens')
      .set({ last_used_at_ms: nowMs })
      .where('id', '=', token.id)
      .execute()
      .catch(onFault);
  }
}

function shown({ hash: _, ...token }: StoredToken): ApiToken {
  return token;
}

function toRow(token: StoredToken) {
  return {
    id: token.id,
    hash: token.hash,
    name: token.name,
    owner: token.owner,
    grants: JSON.stringify(token.grants),
    may_kill: token.mayKill ? 1 : 0,
    created_at_ms: token.createdAtMs,
    expires_at_ms: token.expiresAtMs,
    last_used_at_ms: token.lastUsedAtMs,
  };
}

function fromRow(row: ReturnType<typeof toRow>): StoredToken {
  return {
    id: row.id,
    hash: row.hash,
    name: row.name,
    owner: row.owner,
    grants: JSON.parse(row.grants) as Grant[],
    mayKill: row.may_kill === 1,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
  };
}
