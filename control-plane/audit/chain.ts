// The chain of the audit: what a row's hash is made of, and how rows are checked one after the other. Rows that were cut off
// the end show only against an anchor that was kept outside.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';

/** A row with everything that its hash covers; `details` is canonical JSON, as it is stored. */
export type ChainRow = {
  readonly seq: number;
  readonly at_ms: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly details: string;
  readonly previous_hash: string;
};

/** A row's number and hash as they were noted outside. */
export type Anchor = { readonly seq: number; readonly hash: string };

export type AuditCheck =
  | { readonly kind: 'intact'; readonly rows: number; readonly head: string }
  | { readonly kind: 'broken'; readonly seq: number; readonly reason: string };

export const GENESIS = '0'.repeat(64);

export function hashOf({ previous_hash, ...row }: ChainRow): string {
  const { seq, at_ms, actor, action, subject, reason, details } = row;
  const text = canonicalJson({ seq, at_ms, actor, action, subject, reason, details });
  return createHash('sha256').update(`${previous_hash}|${text}`).digest('hex');
}

export type ChainWalk = {
  /** The next row; null while everything fits. */
  take(row: ChainRow & { readonly hash: string }): Extract<AuditCheck, { kind: 'broken' }> | null;
  /** After the last row. */
  end(): AuditCheck;
};

/** From the first row on, oldest first. */
export function walkChain(anchor: Anchor | null = null): ChainWalk {
  let seq = 0;
  let head = GENESIS;
  return {
    take: (row) => {
      const reason = faultOf(row, { seq: seq + 1, head, anchor });
      if (reason !== null) return { kind: 'broken', seq: seq + 1, reason };
      seq = row.seq;
      head = row.hash;
      return null;
    },
    end: () => {
      if (anchor === null || seq >= anchor.seq) return { kind: 'intact', rows: seq, head };
      const reason = `it ends with row ${seq}, but row ${anchor.seq} was there when the anchor was noted: its end was cut off`;
      return { kind: 'broken', seq: seq + 1, reason };
    },
  };
}

function faultOf(
  row: ChainRow & { readonly hash: string },
  before: { readonly seq: number; readonly head: string; readonly anchor: Anchor | null },
): string | null {
  if (row.seq !== before.seq) return `row ${before.seq} is missing`;
  if (row.previous_hash !== before.head) return `row ${row.seq} does not follow the row before it`;
  if (hashOf(row) !== row.hash) return `row ${row.seq} was changed after it was written`;
  if (before.anchor?.seq === row.seq && before.anchor.hash !== row.hash)
    return `row ${row.seq} is not the one that the anchor names: it was written anew`;
  return null;
}
