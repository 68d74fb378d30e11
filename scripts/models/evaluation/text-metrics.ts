// How good read texts are: character error rate and share of texts read without an error. Pure.

export type TextScore = { readonly characterErrorRate: number; readonly exact: number; readonly texts: number };

export function scoreTexts(pairs: readonly { readonly read: string; readonly truth: string }[]): TextScore {
  const errors = pairs.reduce((sum, pair) => sum + editDistance(pair.read, pair.truth), 0);
  const characters = pairs.reduce((sum, pair) => sum + pair.truth.length, 0);
  const exact = pairs.filter((pair) => pair.read === pair.truth).length;
  return {
    characterErrorRate: errors / Math.max(1, characters),
    exact: exact / Math.max(1, pairs.length),
    texts: pairs.length,
  };
}

/** Fewest insertions, deletions and replacements that turn one text into the other. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
