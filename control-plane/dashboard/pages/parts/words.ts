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

type Query = Readonly<Record<string, string | undefined>>;

export type PageOfList = {
  /** Of the page, without its query. */
  readonly path: string;
  readonly query: Query;
  /** Of the answer; absent on the last page. */
  readonly next: string | null | undefined;
  /** How the address calls where a page begins. */
  readonly name?: string;
};

/** Where the other pages of a list are; null: this is the newest, or the last. */
export function pagesOf({ path, query, next, name = 'cursor' }: PageOfList): {
  readonly newest: string | null;
  readonly older: string | null;
} {
  const at = (place: string) => `${path}${queryText({ ...query, [name]: place })}`;
  return { newest: query[name] ? at('') : null, older: next ? at(next) : null };
}
