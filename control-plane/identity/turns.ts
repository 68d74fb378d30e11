// Turns at work that is dear: so much at once, so much that waits, first come first served, and no one source takes every place.

export type TurnLimits = {
  readonly atOnce: number;
  readonly waitingMax: number;
  /** Of one source, under way and waiting together. */
  readonly ofSourceMax: number;
};

export class Turns {
  readonly #limits: TurnLimits;
  readonly #waiting: (() => void)[] = [];
  readonly #ofSource = new Map<string, number>();
  #running = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Whether another one of this source would neither begin nor wait. */
  isFull(source: string): boolean {
    const { atOnce, waitingMax, ofSourceMax } = this.#limits;
    if ((this.#ofSource.get(source) ?? 0) >= ofSourceMax) return true;
    return this.#running >= atOnce && this.#waiting.length >= waitingMax;
  }

  /** To be asked only while it is not full. Settles as the work does. */
  async take<T>(source: string, work: () => Promise<T>): Promise<T> {
    this.#ofSource.set(source, (this.#ofSource.get(source) ?? 0) + 1);
    // Who is woken takes over the place of who has ended: nobody who comes in between can have it.
    if (this.#running >= this.#limits.atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#leave(source);
    }
  }

  #leave(source: string): void {
    const left = (this.#ofSource.get(source) ?? 1) - 1;
    if (left > 0) this.#ofSource.set(source, left);
    else this.#ofSource.delete(source);
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
