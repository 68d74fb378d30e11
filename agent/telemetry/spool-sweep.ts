// Rows that nobody could read are dropped when the spool is opened: SQLite does not check what it keeps, and one rotten row at
// the head of the line would be sent for ever, or stop every other from being sent. What is dropped is counted.
import type { SpoolDatabase } from './spool-schema.ts';

/** As the numbers of documents: one more is still exact. */
const COUNT_MAX = 2 ** 52;

const IS_WINDOW = `class = 'window'
  AND json_type(body, '$.spoolDropped') = 'object' AND json_type(body, '$.arms') = 'array'
  AND json_type(body, '$.cameras') = 'array' AND json_type(body, '$.sensors') = 'object'
  AND json_type(body, '$.startAtMs') = 'integer' AND json_type(body, '$.endAtMs') = 'integer'`;
const IS_EVENT = "class = 'event' AND seq IS NOT NULL AND json_type(body, '$.kind') = 'text'";
const IS_SANE = `bytes BETWEEN 1 AND ${COUNT_MAX} AND span_ms BETWEEN 0 AND ${COUNT_MAX} AND parts BETWEEN 1 AND 1000
  AND sent IN (0, 1) AND (seq IS NULL OR seq BETWEEN 1 AND ${COUNT_MAX})`;

/** A CASE is judged in order, so that no question is asked of a text that is no JSON. */
const ROTTEN = `CASE WHEN NOT (${IS_SANE}) THEN 1 WHEN NOT json_valid(body) THEN 1
  WHEN json_type(body) <> 'object' THEN 1 WHEN (${IS_WINDOW}) OR (${IS_EVENT}) THEN 0 ELSE 1 END`;

/** Counted as `unreadable` among what the spool has lost. */
export function sweepRotten(database: SpoolDatabase): void {
  const sweep = database.transaction(() => {
    const { changes } = database.prepare(`DELETE FROM entries WHERE ${ROTTEN}`).run();
    database.prepare('DELETE FROM dropped WHERE count NOT BETWEEN 1 AND ?').run(COUNT_MAX);
    database.prepare('DELETE FROM boots WHERE seq_last NOT BETWEEN 0 AND ?').run(COUNT_MAX);
    if (changes === 0) return;
    const count = database.prepare(
      "INSERT INTO dropped (name, count) VALUES ('unreadable', ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
    );
    count.run(changes);
  });
  sweep();
}
