// Plain-text tables and the small words of numbers and times, for terminals of 80 columns and pipes alike.

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

const COLUMNS = 80;
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Width on screen: without colour codes. */
export function visibleWidth(text: string): number {
  return [...text.replace(ESCAPES, '')].length;
}

/** Columns as wide as their widest cell, two spaces apart, nothing cut. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...rows.map((row) => visibleWidth(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - visibleWidth(cell)));
        return columns[i]?.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => column.title)), ...rows.map(line)].join('\n');
}

/** `cv-detector:2.0.0` of `cv-detector:2.0.0+data=b4f7a1`: unique as well, since a number is given out once. */
export function shortRelease(id: string): string {
  return id.split('+data=')[0] ?? id;
}

export function countDevices(count: number): string {
  return count === 1 ? '1 device' : `${count} devices`;
}

/** Parts joined by `separator`, on as many lines as 80 columns need; later lines are indented by `indent`. */
export function wrapParts(parts: readonly string[], separator: string, indent: string): string {
  let line = '';
  const lines: string[] = [];
  for (const part of parts) {
    const longer = line === '' ? part : line + separator + part;
    if (line !== '' && visibleWidth(indent + longer + separator.trimEnd()) > COLUMNS) {
      lines.push(line + separator.trimEnd());
      line = part;
    } else line = longer;
  }
  return [...lines, line].join(`\n${indent}`);
}

/** `4 s ago`; null: `never`. */
export function formatAge(atMs: number | null, nowMs: number): string {
  return atMs === null ? 'never' : `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
}

export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

export function formatMs(ms: number | null): string {
  return ms === null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
