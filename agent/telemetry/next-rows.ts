// What is sent next: events before windows, but never without the lowest number of each boot. Acknowledgements leave no
// hole, so a window that was lost on the way would otherwise hold up everything as soon as enough events stand before it.
import type { NextRow, SpoolStatements } from './spool-statements.ts';

export function nextRows(statements: Pick<SpoolStatements, 'heads' | 'next'>, limit: number): readonly NextRow[] {
  const heads = statements.heads.all(Math.ceil(limit / 2));
  const rows = new Map(heads.map((row) => [row.id, row]));
  for (const row of statements.next.all(limit)) if (rows.size < limit) rows.set(row.id, row);
  return [...rows.values()].toSorted((a, b) => a.class.localeCompare(b.class) || a.id - b.id);
}
