// The audit log: who did what, when and why, append-only and hash-chained, so that a missing or changed row shows.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { Queryable } from '../database/database.ts';

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

export type AuditCheck =
  | { readonly kind: 'intact'; readonly rows: number; readonly head: string }
  | { readonly kind: 'broken'; readonly seq: number; readonly reason: string };

export type Audit = {
  /** Appends in the given transaction (or database), so that an act and its record stand or fall together. */
  append(database: Queryable, entry: AuditEntry): Promise<AuditRow>;
  verify(): Promise<AuditCheck>;
  /** Newest first; `beforeSeq` pages backwards. */
  list(page: { readonly limit: number; readonly beforeSeq?: number }): Promise<readonly AuditRow[]>;
};

const GENESIS = '0'.repeat(64);
const VERIFY_PAGE_ROWS = 5000;

export type AuditParts = {
  readonly database: Queryable;
  readonly wallNow: () => number;
  /** Told of each row as it is written; its transaction may still fail. */
  readonly onAppend?: (row: AuditRow) => void;
};

export function openAudit(parts: AuditParts): Audit {
  return {
    append: async (database, entry) => {
      const row = await append(database, entry, parts.wallNow());
      parts.onAppend?.(row);
      return row;
    },
    verify: () => verify(parts.database),
    list: (page) => list(parts.database, page),
  };
}

type StoredRow = {
  readonly seq: number;
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly details: string;
  readonly previous_hash: string;
};

async function append(database: Queryable, entry: AuditEntry, atMs: number): Promise<AuditRow> {
  const head = await database.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1).execute();
  const row: StoredRow = {
    seq: (head[0]?.seq ?? 0) + 1,
    at_ms: atMs,
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    reason: entry.reason,
    details: canonicalJson(entry.details ?? {}),
    previous_hash: head[0]?.hash ?? GENESIS,
  };
  const hash = hashOf(row);
  await database
    .insertInto('audit')
    .values({ ...row, hash })
    .execute();
  return toAuditRow({ ...row, hash });
}

async function verify(database: Queryable): Promise<AuditCheck> {
  let previousHash = GENESIS;
  let seq = 0;
  for (;;) {
    const rows = await database
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(VERIFY_PAGE_ROWS)
      .execute();
    if (rows.length === 0) return { kind: 'intact', rows: seq, head: previousHash };
    for (const row of rows) {
      const reason = faultOf(row, { seq: seq + 1, previousHash });
      if (reason !== null) return { kind: 'broken', seq: seq + 1, reason };
      seq = row.seq;
      previousHash = row.hash;
    }
  }
}

function faultOf(
  row: StoredRow & { readonly hash: string },
  expected: { readonly seq: number; readonly previousHash: string },
): string | null {
  if (row.seq !== expected.seq) return `row ${expected.seq} is missing`;
  if (row.previous_hash !== expected.previousHash) return `row ${row.seq} does not follow the row before it`;
  return hashOf(row) === row.hash ? null : `row ${row.seq} was changed after it was written`;
}

async function list(
  database: Queryable,
  page: { readonly limit: number; readonly beforeSeq?: number },
): Promise<readonly AuditRow[]> {
  let query = database.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(page.limit);
  if (page.beforeSeq !== undefined) query = query.where('seq', '<', page.beforeSeq);
  return (await query.execute()).map(toAuditRow);
}

function hashOf(row: StoredRow): string {
  const { previous_hash, ...body } = row;
  const text = canonicalJson({
    seq: body.seq,
    at_ms: body.at_ms,
    actor: body.actor,
    action: body.action,
    subject: body.subject,
    reason: body.reason,
    details: body.details,
  });
  return createHash('sha256').update(`${previous_hash}|${text}`).digest('hex');
}

function toAuditRow(row: StoredRow & { readonly hash: string }): AuditRow {
  const { seq, actor, action, subject, reason, hash } = row;
  return { seq, atMs: row.at_ms, actor, action, subject, reason, details: JSON.parse(row.details), hash };
}
