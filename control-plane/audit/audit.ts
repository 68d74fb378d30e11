// The audit log: who did what, when and why, append-only and hash-chained, so that a missing or changed row shows.
import { AsyncLocalStorage } from 'node:async_hooks';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { Queryable } from '../database/database.ts';
import { type Anchor, type AuditCheck, type ChainRow, GENESIS, hashOf, walkChain } from './chain.ts';

export type AuditEntry = {
  /** The role or person who acted; `belay` for decisions of the control plane itself. */
  readonly actor: string;
  /** Bounded verb, e.g. `kill-raised`, `release-registered`. */
  readonly action: string;
  /** What it was done to, e.g. `kill/k-1`, `device/plant-a/dev-1`. */
  readonly subject: string;
  readonly reason: string;
  readonly details?: unknown;
};

export type AuditRow = {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly details: unknown;
  readonly hash: string;
};

/** What to list; all of it has to fit. */
export type AuditFilter = {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** This, and everything below it: `device/plant-a` is also `device/plant-a/cam-01`. */
  readonly subject?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
};

export type AuditPage = AuditFilter & { readonly limit: number; readonly beforeSeq?: number | undefined };

/** As in the database: what its hash is made of, and the hash. */
export type ExportedRow = ChainRow & { readonly hash: string };

/** By which token an actor acts: kept as `via` in the details of what that leads to. */
export type Via = {
  /** Whose token it is: rows of others, such as those of a loop that was woken, do not name it. */
  readonly actor: string;
  readonly token: string;
  readonly name: string;
  /** Long after the request: what runs on from there is nobody's act. */
  readonly isOver: () => boolean;
};

export type Audit = {
  /** What `work` appends for this actor until it is over names the token. */
  within<T>(via: Via, work: () => T): T;
  /** Appends in the given transaction (or database), so that an act and its record stand or fall together. */
  append(database: Queryable, entry: AuditEntry): Promise<AuditRow>;
  /** With an anchor that was noted outside, rows that were cut off the end are found too. */
  verify(anchor?: Anchor | null): Promise<AuditCheck>;
  /** Newest first; `beforeSeq` pages backwards. */
  list(page: AuditPage): Promise<readonly AuditRow[]>;
  /** The newest row, to be noted outside; null before the first. */
  head(): Promise<Anchor | null>;
  /** Every row up to `lastSeq`, oldest first, a page at a time. */
  export(lastSeq: number): AsyncGenerator<readonly ExportedRow[]>;
};

const PAGE_ROWS = 5000;

export type AuditParts = {
  readonly database: Queryable;
  readonly wallNow: () => number;
  /** Told of each row as it is written; its transaction may still fail. */
  readonly onAppend?: (row: AuditRow) => void;
};

export function openAudit(parts: AuditParts): Audit {
  const { database } = parts;
  const vias = new AsyncLocalStorage<Via>();
  return {
    within: (via, work) => vias.run(via, work),
    append: async (transaction, entry) => {
      const row = await append(transaction, named(entry, vias.getStore()), parts.wallNow());
      parts.onAppend?.(row);
      return row;
    },
    verify: (anchor = null) => verify(database, anchor),
    list: (page) => list(database, page),
    head: () => readHead(database),
    export: (lastSeq) => pages(database, lastSeq),
  };
}

function named(entry: AuditEntry, via: Via | undefined): AuditEntry {
  if (via === undefined || via.actor !== entry.actor || via.isOver()) return entry;
  const { token, name } = via;
  return { ...entry, details: { ...(entry.details ?? {}), via: { token, name } } };
}

async function append(database: Queryable, entry: AuditEntry, atMs: number): Promise<AuditRow> {
  const head = await readHead(database);
  const row: ChainRow = {
    seq: (head?.seq ?? 0) + 1,
    at_ms: atMs,
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    reason: entry.reason,
    details: canonicalJson(entry.details ?? {}),
    previous_hash: head?.hash ?? GENESIS,
  };
  const hash = hashOf(row);
  await database
    .insertInto('audit')
    .values({ ...row, hash })
    .execute();
  return toAuditRow({ ...row, hash });
}

async function readHead(database: Queryable): Promise<Anchor | null> {
  const head = database.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1);
  return (await head.executeTakeFirst()) ?? null;
}

async function* pages(database: Queryable, lastSeq: number): AsyncGenerator<readonly ExportedRow[]> {
  for (let seq = 0; ; ) {
    const rows = await database
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', seq)
      .where('seq', '<=', lastSeq)
      .orderBy('seq')
      .limit(PAGE_ROWS)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    seq = last.seq;
    yield rows;
  }
}

async function verify(database: Queryable, anchor: Anchor | null): Promise<AuditCheck> {
  const walk = walkChain(anchor);
  for await (const rows of pages(database, Number.MAX_SAFE_INTEGER)) {
    for (const row of rows) {
      const broken = walk.take(row);
      if (broken !== null) return broken;
    }
  }
  return walk.end();
}

async function list(database: Queryable, page: AuditPage): Promise<readonly AuditRow[]> {
  const { limit, beforeSeq, actor, action, subject, fromMs, toMs } = page;
  let query = database.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(limit);
  if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq);
  if (actor !== undefined) query = query.where('actor', '=', actor);
  if (action !== undefined) query = query.where('action', '=', action);
  if (fromMs !== undefined) query = query.where('at_ms', '>=', fromMs);
  if (toMs !== undefined) query = query.where('at_ms', '<', toMs);
  if (subject !== undefined) {
    // Everything below it lies between `x/` and `x0`, the sign after `/`: no wildcard that somebody could type.
    query = query.where((where) =>
      where.or([
        where('subject', '=', subject),
        where.and([where('subject', '>=', `${subject}/`), where('subject', '<', `${subject}0`)]),
      ]),
    );
  }
  return (await query.execute()).map(toAuditRow);
}

function toAuditRow(row: ExportedRow): AuditRow {
  const { seq, actor, action, subject, reason, hash } = row;
  return { seq, atMs: row.at_ms, actor, action, subject, reason, details: JSON.parse(row.details), hash };
}
