// Times and numbers as these pages write them.

/** `2026-11-22 01:04:09 UTC`. */
export function timeText(atMs: number | null): string {
  return atMs === null ? '–' : `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** At most three decimals, and a dash where nothing is known. */
export function numberText(value: number | null | undefined, unit = ''): string {
  if (value == null) return '–';
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toFixed(Math.abs(value) >= 100 ? 0 : 3)));
  return unit === '' ? text : `${text} ${unit}`;
}

export function countText(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** The query without what is empty, as it stands in the address. */
export function queryText(values: Readonly<Record<string, string | undefined>>): string {
  const kept = Object.entries(values).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const text = new URLSearchParams(kept).toString();
  return text === '' ? '' : `?${text}`;
}
