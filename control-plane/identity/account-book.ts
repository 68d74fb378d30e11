// The accounts: in memory, so that who asks is known while the database is not there; every change is stored first, in one
// transaction with its audit row. Accounts are disabled, never deleted: the audit names them.
import type { Account, Grant } from '../../shared/protocol/api-identity.ts';
import { may, mayKillByDefault } from '../../shared/protocol/permissions.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database, Queryable } from '../database/database.ts';

/** With the hash of its password: for this room alone. */
export type StoredAccount = Account & { readonly password: string };

export type NewAccount = {
  readonly name: string;
  readonly passwordHash: string;
  readonly grants: readonly Grant[];
  readonly mayKill?: boolean | undefined;
  readonly reason: string;
};

/** What is left out stays as it is. */
export type AccountChange = {
  readonly passwordHash?: string | undefined;
  readonly grants?: readonly Grant[] | undefined;
  readonly mayKill?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly reason: string;
};

export type Changed =
  | { readonly kind: 'changed'; readonly account: StoredAccount }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'last-admin' };

export type AccountParts = { readonly database: Database; readonly audit: Audit; readonly wallNow: () => number };

export class AccountBook {
  readonly #parts: AccountParts;
  readonly #accounts: Map<string, StoredAccount>;
  /** Changes run one after the other: two of them together must not remove the last admin. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(parts: AccountParts, accounts: readonly StoredAccount[]) {
    this.#parts = parts;
    this.#accounts = new Map(accounts.map((account) => [account.name, account]));
  }

  static async open(parts: AccountParts): Promise<AccountBook> {
    const rows = await parts.database.selectFrom('accounts').selectAll().execute();
    return new AccountBook(parts, rows.map(fromRow));
  }

  get(name: string): StoredAccount | null {
    return this.#accounts.get(name) ?? null;
  }

  list(): readonly StoredAccount[] {
    return [...this.#accounts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Null: the name is taken. */
  create({ passwordHash, reason, ...input }: NewAccount, actor: string): Promise<StoredAccount | null> {
    return this.#alone(async () => {
      if (this.#accounts.has(input.name)) return null;
      const grants = [...input.grants];
      const account: StoredAccount = {
        name: input.name,
        grants,
        mayKill: input.mayKill ?? mayKillByDefault(grants),
        disabled: false,
        createdAtMs: this.#parts.wallNow(),
        createdBy: actor,
        lastSignInAtMs: null,
        password: passwordHash,
      };
      const details = { grants, mayKill: account.mayKill };
      await this.#record(
        { actor, action: 'account-created', subject: `account/${account.name}`, reason, details },
        (it) => it.insertInto('accounts').values(toRow(account)).execute(),
      );
      this.#accounts.set(account.name, account);
      return account;
    });
  }

  change(name: string, change: AccountChange, actor: string): Promise<Changed> {
    return this.#alone(async () => {
      const before = this.#accounts.get(name);
      if (!before) return { kind: 'unknown' };
      const account: StoredAccount = {
        ...before,
        grants: [...(change.grants ?? before.grants)],
        mayKill: change.mayKill ?? before.mayKill,
        disabled: change.disabled ?? before.disabled,
        password: change.passwordHash ?? before.password,
      };
      const others = this.list().filter((other) => other.name !== name);
      if (isAdmin(before) && !isAdmin(account) && !others.some(isAdmin)) return { kind: 'last-admin' };
      const { grants, mayKill, disabled } = account;
      const details = { grants, mayKill, disabled, passwordChanged: change.passwordHash !== undefined };
      const entry = { actor, action: 'account-changed', subject: `account/${name}`, reason: change.reason, details };
      await this.#record(entry, (it) =>
        it.updateTable('accounts').set(toRow(account)).where('name', '=', name).execute(),
      );
      this.#accounts.set(name, account);
      return { kind: 'changed', account };
    });
  }

  /** Not worth refusing a sign-in for, should it not be stored. */
  async signedIn(name: string, nowMs: number): Promise<void> {
    const account = this.#accounts.get(name);
    if (!account) return;
    this.#accounts.set(name, { ...account, lastSignInAtMs: nowMs });
    const { database } = this.#parts;
    await database.updateTable('accounts').set({ last_sign_in_at_ms: nowMs }).where('name', '=', name).execute();
  }

  async #record(
    entry: Parameters<Audit['append']>[1],
    write: (database: Queryable) => Promise<unknown>,
  ): Promise<void> {
    const { database, audit } = this.#parts;
    await database.transaction().execute(async (transaction) => {
      await write(transaction);
      await audit.append(transaction, entry);
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

export function isAdmin(account: Pick<Account, 'grants' | 'mayKill' | 'disabled'>): boolean {
  return !account.disabled && may(account, 'administer', '*');
}

/** Without its password. */
export function shownAccount({ password: _, ...account }: StoredAccount): Account {
  return account;
}

function toRow(account: StoredAccount) {
  return {
    name: account.name,
    grants: JSON.stringify(account.grants),
    may_kill: account.mayKill ? 1 : 0,
    disabled: account.disabled ? 1 : 0,
    password: account.password,
    created_at_ms: account.createdAtMs,
    created_by: account.createdBy,
    last_sign_in_at_ms: account.lastSignInAtMs,
  };
}

function fromRow(row: ReturnType<typeof toRow>): StoredAccount {
  return {
    name: row.name,
    grants: JSON.parse(row.grants) as Grant[],
    mayKill: row.may_kill === 1,
    disabled: row.disabled === 1,
    password: row.password,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    lastSignInAtMs: row.last_sign_in_at_ms,
  };
}
