// Takes what the spool has gathered in memory over into its file, behind what lies there. One transaction of the caller.
import type { SpoolDatabase } from './spool-schema.ts';

const COPIES = [
  {
    read: 'SELECT class, boot, seq, sent, bytes, parts, span_ms, merge_key, kind, body FROM entries ORDER BY id',
    write: `INSERT INTO entries (class, boot, seq, sent, bytes, parts, span_ms, merge_key, kind, body)
      VALUES (:class, :boot, :seq, :sent, :bytes, :parts, :span_ms, :merge_key, :kind, :body)`,
  },
  {
    read: 'SELECT boot, seq_last FROM boots',
    write: `INSERT INTO boots (boot, seq_last) VALUES (:boot, :seq_last)
      ON CONFLICT (boot) DO UPDATE SET seq_last = excluded.seq_last`,
  },
  {
    read: 'SELECT name, count FROM dropped',
    write: `INSERT INTO dropped (name, count) VALUES (:name, :count)
      ON CONFLICT (name) DO UPDATE SET count = count + excluded.count`,
  },
] as const;

export function moveRows(from: SpoolDatabase, to: SpoolDatabase): void {
  for (const { read, write } of COPIES) {
    const insert = to.prepare(write);
    for (const row of from.prepare(read).all()) insert.run(row);
  }
}
