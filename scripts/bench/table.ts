// Rows of the benchmark as a table for people: figures in columns, each note on lines of its own below. Pure.
import type { Row } from './figure.ts';

const WIDTH = 100;
const INDENT = '    ';
const GAP = '  ';
const GOAL_WIDTH_MIN = 20;

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
  const goalAt = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const lines = titled.flatMap((row, i) => {
    const figures = row.slice(0, -1).map((cell, column) => cell.padEnd(widths[column] ?? 0));
    // What does not fit beside the figures goes on below, in its own column.
    const [goal = '', ...more] = wrap(row.at(-1) ?? '', Math.max(GOAL_WIDTH_MIN, WIDTH - goalAt));
    const rest = more.map((part) => ' '.repeat(goalAt) + part);
    const note = wrap(rows[i - 1]?.note ?? '', WIDTH - INDENT.length).map((part) => INDENT + part);
    return [[...figures, goal].join(GAP).trimEnd(), ...rest, ...note];
  });
  return `${lines.join('\n')}\n`;
}

/** Three significant digits; a dash for what there is not. */
function format(value: number | null): string {
  return value === null || Number.isNaN(value) ? '–' : Number(value.toPrecision(3)).toString();
}

/** Between words, each line within so many characters where its words allow it. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter((part) => part !== '')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || longer.length > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
