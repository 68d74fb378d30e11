// The prepared statements of the spool, typed, in one place. No decisions.
import type { SpoolDatabase } from './spool-schema.ts';

export type SpoolClass = 'event' | 'window';

export type SpoolEntry = {
  readonly class: SpoolClass;
  readonly boot: string;
  readonly seq: number;
  /** The document as it is published, with its boot and seq. */
  readonly text: string;
};

export type NewRow = {
  readonly class: SpoolClass;
  readonly boot: string;
  readonly seq: number | null;
  readonly bytes: number;
  readonly parts: number;
  readonly span_ms: number;
  readonly merge_key: string;
  readonly kind: string;
  readonly body: string;
};

export type NextRow = Pick<NewRow, 'class' | 'boot' | 'seq' | 'body'> & { readonly id: number; readonly sent: number };
type Sized = { readonly count: number; readonly bytes: number };
type Replacement = { readonly id: number } & Pick<NewRow, 'bytes' | 'parts' | 'span_ms' | 'body'>;

export type SpoolStatements = ReturnType<typeof openStatements>;

export function openStatements(database: SpoolDatabase) {
  return { ...writing(database), ...reading(database) };
}

function writing(database: SpoolDatabase) {
  return {
    insert: database.prepare<[NewRow]>(
      `INSERT INTO entries (class, boot, seq, bytes, parts, span_ms, merge_key, kind, body)
       VALUES (:class, :boot, :seq, :bytes, :parts, :span_ms, :merge_key, :kind, :body)`,
    ),
    replace: database.prepare<[Replacement]>(
      'UPDATE entries SET bytes = :bytes, parts = :parts, span_ms = :span_ms, body = :body WHERE id = :id',
    ),
    replaceBody: database.prepare<[string, number]>('UPDATE entries SET body = ? WHERE id = ?'),
    markSent: database.prepare<[number, number]>('UPDATE entries SET sent = 1, seq = ? WHERE id = ?'),
    remove: database.prepare<[number]>('DELETE FROM entries WHERE id = ?'),
    acknowledge: database.prepare<[string, number]>('DELETE FROM entries WHERE boot = ? AND seq <= ?'),
    setSeqLast: database.prepare<[string, number]>(
      'INSERT INTO boots (boot, seq_last) VALUES (?, ?) ON CONFLICT (boot) DO UPDATE SET seq_last = excluded.seq_last',
    ),
    forgetBoots: database.prepare<[string]>(
      'DELETE FROM boots WHERE boot <> ? AND boot NOT IN (SELECT boot FROM entries)',
    ),
    countDrop: database.prepare<[string, number]>(
      'INSERT INTO dropped (name, count) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count',
    ),
    forgetDropped: database.prepare('DELETE FROM dropped'),
  };
}

function reading(database: SpoolDatabase) {
  return {
    // Events sort before windows by name; within a class the oldest first.
    next: database.prepare<[number], NextRow>(
      'SELECT id, class, boot, seq, sent, body FROM entries ORDER BY class, id LIMIT ?',
    ),
    // The lowest number of each boot: until it is acknowledged, nothing of that boot is.
    heads: database.prepare<[number], NextRow>(
      `SELECT id, class, boot, seq, sent, body FROM entries
       WHERE (boot, seq) IN (SELECT boot, min(seq) FROM entries WHERE seq IS NOT NULL GROUP BY boot)
       ORDER BY class, id LIMIT ?`,
    ),
    numbered: database.prepare<[number], SpoolEntry>(
      'SELECT class, boot, seq, body AS text FROM entries WHERE seq IS NOT NULL ORDER BY class, id LIMIT ?',
    ),
    row: database.prepare<[number], { parts: number; body: string }>('SELECT parts, body FROM entries WHERE id = ?'),
    sizeOf: database.prepare<[string], Sized>(
      'SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM entries WHERE class = ?',
    ),
    spanMs: database
      .prepare<[], number>("SELECT coalesce(sum(span_ms), 0) FROM entries WHERE class = 'window'")
      .pluck() as { get(): number | undefined },
    seqLast: database.prepare<[string], number>('SELECT seq_last FROM boots WHERE boot = ?').pluck() as {
      get(boot: string): number | undefined;
    },
    dropped: database.prepare<[], { name: string; count: number }>('SELECT name, count FROM dropped'),
    latestEvent: database.prepare<[string, string], { id: number; body: string }>(
      `SELECT id, body FROM entries
       WHERE class = 'event' AND kind = ? AND boot = ? AND sent = 0 ORDER BY id DESC LIMIT 1`,
    ),
    oldestUnsent: database.prepare<[], { id: number; parts: number; body: string }>(
      "SELECT id, parts, body FROM entries WHERE class = 'window' AND sent = 0 ORDER BY id LIMIT 1",
    ),
    // The oldest two neighbours that stand for equally many windows and may be one.
    mergeable: database.prepare<[number], { id: number; next_id: number }>(
      `SELECT id, next_id FROM (
         SELECT id, parts, merge_key,
           lead(id) OVER (ORDER BY id) AS next_id,
           lead(parts) OVER (ORDER BY id) AS next_parts,
           lead(merge_key) OVER (ORDER BY id) AS next_key
         FROM entries WHERE class = 'window' AND sent = 0)
       WHERE parts = next_parts AND merge_key = next_key AND parts <= ?
       ORDER BY parts, id LIMIT 1`,
    ),
  };
}
