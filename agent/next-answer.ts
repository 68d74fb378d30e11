// Waits for the next answer of anybody: a stopped runner is killed only after somebody else has answered.
import type { After } from './after.ts';

/** A stopped candidate is killed after the first answer of another release, or after this when none comes. */
const KILL_AFTER_MS = 250;

export class NextAnswer {
  readonly #after: After;
  #waiting: (() => void)[] = [];

  constructor(after: After) {
    this.#after = after;
  }

  arrived(): void {
    for (const end of this.#waiting.splice(0)) end();
  }

  async wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const cancel = this.#after(KILL_AFTER_MS, resolve);
    await promise;
    cancel();
  }
}
