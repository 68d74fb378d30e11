// What a fault test reports: one row a fault, with what was promised, what was seen, and everything that broke it.
export type Row = {
  readonly fault: string;
  readonly promised: string;
  readonly runs: number;
  readonly seen: string;
  readonly failures: readonly string[];
};

export class RowBuilder {
  readonly #fault: string;
  readonly #promised: string;
  readonly failures: string[] = [];
  runs = 0;

  constructor(fault: string, promised: string) {
    this.#fault = fault;
    this.#promised = promised;
  }

  /** Notes what breaks the promise; `run` says which try it was. */
  check(holds: boolean, what: string): void {
    if (!holds) this.failures.push(`run ${this.runs}: ${what}`);
  }

  row(seen: string): Row {
    return { fault: this.#fault, promised: this.#promised, runs: this.runs, seen, failures: this.failures };
  }
}

/** A seeded generator (mulberry32): the same seed draws the same instants. */
export function openDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
