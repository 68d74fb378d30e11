// The last steps of every device and of the control plane, kept as they were and put into words only when somebody asks.

export type Line = { readonly atMs: number; readonly words: readonly unknown[] };

const LINES_MAX = 60;

export class Trace {
  readonly #lines = new Map<string, Line[]>();

  add(who: string, atMs: number, ...words: unknown[]): void {
    const lines = this.#lines.get(who) ?? [];
    if (lines.length === 0) this.#lines.set(who, lines);
    lines.push({ atMs, words });
    if (lines.length > 2 * LINES_MAX) lines.splice(0, LINES_MAX);
  }

  /** The last lines of these, in the order of time. */
  tell(whose: readonly string[]): readonly string[] {
    const lines = whose.flatMap((who) =>
      (this.#lines.get(who) ?? []).slice(-LINES_MAX).map((line) => ({ who, ...line })),
    );
    return lines
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(
        ({ who, atMs, words }) => `${(atMs / 1000).toFixed(3).padStart(10)} s  ${who}  ${words.map(show).join(' ')}`,
      );
  }
}

function show(word: unknown): string {
  if (typeof word === 'string') return word.replaceAll(/([0-9a-f]a)\1{31}/g, (digest) => `#${digest.slice(0, 1)}`);
  return show(JSON.stringify(word) ?? String(word));
}
