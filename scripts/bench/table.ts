// Rows of the benchmark as a table for people: figures in columns, each note on lines of its own below. Pure.
import type { Row } from './figure.ts';

const NOTE_WIDTH = 100;
const INDENT = '    ';

export function renderRows(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.id,
    `${format(row.ours)} ${row.unit}`,
    row.limit === null ? '–' : `${format(row.limit)} ${row.unit}`,
    format(row.ratio),
    row.goal,
  ]);
  const titled = [['FIGURE', 'OURS', 'LIMIT', 'RATIO', 'GOAL'], ...cells];
  const widths = titled[0]?.map((_, i) => Math.max(...titled.map((row) => (row[i] ?? '').length))) ?? [];
  const lines = titled.flatMap((row, i) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    return [line.trimEnd(), ...wrap(rows[i - 1]?.note ?? '')];
  });
  return `${lines.join('\n')}\n`;
}

/** Three significant digits; a dash for what there is not. */
function format(value: number | null): string {
  return value === null || Number.isNaN(value) ? '–' : Number(value.toPrecision(3)).toString();
}

function wrap(note: string): readonly string[] {
  const lines: string[] = [];
  for (const word of note.split(' ').filter((part) => part !== '')) {
    const last = lines.at(-1);
    const longer = `${last} ${word}`;
    if (last === undefined || longer.length > NOTE_WIDTH) lines.push(INDENT + word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
