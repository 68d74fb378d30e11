// "did you mean …": the nearest known word to a mistyped one.

/** The known word within two typing mistakes (one for words under five letters), or null. */
export function nearestWord(word: string, known: Iterable<string>): string | null {
  const allowed = word.length < 5 ? 1 : 2;
  let best: { word: string; distance: number } | null = null;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= allowed && (best === null || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word ?? null;
}

/** ` (did you mean "percent"?)`, or nothing. */
export function suggestion(word: string, known: Iterable<string>): string {
  const nearest = nearestWord(word, known);
  return nearest === null ? '' : ` (did you mean "${nearest}"?)`;
}

/** Levenshtein, with two neighbouring letters swapped counted as one mistake. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) row.push(cheapest(rows, row, { a, b, i, j }));
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

type Cell = { readonly a: string; readonly b: string; readonly i: number; readonly j: number };

function cheapest(rows: readonly number[][], row: readonly number[], { a, b, i, j }: Cell): number {
  const above = rows[i - 1] ?? [];
  const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
  const plain = Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
  return swapped ? Math.min(plain, (rows[i - 2]?.[j - 2] ?? 0) + 1) : plain;
}
