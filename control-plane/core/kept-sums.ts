// Sums that are opened when first asked for, over entries of which only the latest are kept. What is asked for after entries
// were forgotten would be wrong, so it is refused: who forgets says beforehand what will be asked.

export type Entry = {
  readonly startAtMs: number;
  readonly endAtMs: number;
  /** Sums have taken it: what it worked out for them need not be kept. */
  readonly letGo?: () => void;
};
/** Takes entries one by one, in the order of their time. */
export type Sum<T> = { readonly add: (entry: T) => void };

type Cut<C> = { readonly fromMs: number; readonly toMs: number; readonly cut: C; next: number };

/** Spans kept at once: the last finished one and the running one. */
const CUTS_MAX = 2;

export class KeptSums<T extends Entry, C extends Sum<T>> {
  readonly #openCut: () => C;
  readonly #sums = new Map<string, Sum<T>>();
  #kept: T[] = [];
  /** How many were forgotten. */
  #gone = 0;
  readonly #cuts: Cut<C>[] = [];

  constructor(openCut: () => C) {
    this.#openCut = openCut;
  }

  get count(): number {
    return this.#gone + this.#kept.length;
  }

  add(entry: T): void {
    this.#kept.push(entry);
    for (const sum of this.#sums.values()) sum.add(entry);
    entry.letGo?.();
  }

  /** The one of this name, over all entries. */
  sum<S extends Sum<T>>(name: string, open: () => S): S {
    const known = this.#sums.get(name);
    if (known) return known as S;
    if (this.#gone > 0) throw new TypeError(`${name} is asked for after ${this.#gone} windows were forgotten`);
    const sum = open();
    this.#fill([sum]);
    this.#sums.set(name, sum);
    return sum;
  }

  /** Opens those of these names; false when entries that belong to one are forgotten. */
  prepare(wanted: ReadonlyMap<string, () => Sum<T>>): boolean {
    const lacking = [...wanted].filter(([name]) => !this.#sums.has(name));
    if (lacking.length > 0 && this.#gone > 0) return false;
    const opened = lacking.map(([name, open]) => ({ name, sum: open() }));
    this.#fill(opened.map(({ sum }) => sum));
    for (const { name, sum } of opened) this.#sums.set(name, sum);
    return true;
  }

  /** Entry by entry: what one works out serves all sums. */
  #fill(sums: readonly Sum<T>[]): void {
    if (sums.length === 0) return;
    for (const entry of this.#kept) {
      for (const sum of sums) sum.add(entry);
      entry.letGo?.();
    }
  }

  /** Those whose middle lies in the span; it must begin after what was forgotten. */
  between(fromMs: number, toMs: number): C {
    const kept = this.#cutOf(fromMs, toMs);
    for (let at = Math.max(0, kept.next - this.#gone); at < this.#kept.length; at += 1) {
      const entry = this.#kept[at];
      const middleMs = entry ? middleOf(entry) : Number.NaN;
      if (entry && middleMs >= fromMs && middleMs < toMs) kept.cut.add(entry);
    }
    kept.next = this.count;
    return kept.cut;
  }

  /** The one that was asked for last stands last. */
  #cutOf(fromMs: number, toMs: number): Cut<C> {
    const at = this.#cuts.findIndex((each) => each.fromMs === fromMs && each.toMs === toMs);
    const known = this.#cuts[at];
    if (known && at === this.#cuts.length - 1) return known;
    if (known) this.#cuts.splice(at, 1);
    else if (this.#cuts.length === CUTS_MAX) this.#cuts.shift();
    const kept = known ?? { fromMs, toMs, cut: this.#openCut(), next: 0 };
    this.#cuts.push(kept);
    return kept;
  }

  /** Entries whose middle lies before this may be forgotten. */
  forget(beforeMs: number): void {
    let gone = 0;
    for (const entry of this.#kept) {
      if (middleOf(entry) >= beforeMs) break;
      gone += 1;
    }
    if (gone === 0) return;
    this.#kept.splice(0, gone);
    this.#gone += gone;
  }
}

function middleOf({ startAtMs, endAtMs }: Entry): number {
  return (startAtMs + endAtMs) / 2;
}
