// Virtual time: what shall happen when, as a heap. Two things of the same moment happen in the order in which they were
// asked for, so that a run has one order only.

export type Scheduled = {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  /** Device that it happens on; null: nowhere in particular. A frozen device lets its own things wait. */
  readonly device: number | null;
  isCancelled: boolean;
};

export class EventQueue {
  readonly #heap: Scheduled[] = [];
  #orders = 0;
  nowMs = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` in `afterMs`; what comes back cancels it. */
  after(afterMs: number, run: () => void, device: number | null = null): () => void {
    const scheduled = { atMs: this.nowMs + Math.max(0, afterMs), order: this.#orders, run, device, isCancelled: false };
    this.#orders += 1;
    this.#heap.push(scheduled);
    this.#rise(this.#heap.length - 1);
    return () => {
      scheduled.isCancelled = true;
    };
  }

  /** Takes the next thing that has not been cancelled and moves the clock to it; null when there is none. */
  take(): Scheduled | null {
    for (let first = this.#pop(); first !== undefined; first = this.#pop()) {
      if (first.isCancelled) continue;
      this.nowMs = first.atMs;
      return first;
    }
    return null;
  }

  #pop(): Scheduled | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.#heap[0] = last;
    this.#sink(0);
    return first;
  }

  #rise(from: number): void {
    const item = this.#heap[from];
    let at = from;
    while (item && at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (!parent || !isBefore(item, parent)) break;
      this.#heap[at] = parent;
      at = above;
    }
    if (item) this.#heap[at] = item;
  }

  #sink(from: number): void {
    const item = this.#heap[from];
    if (!item) return;
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      const child = a && b && isBefore(b, a) ? left + 1 : left;
      const next = this.#heap[child];
      if (!next || !isBefore(next, item)) break;
      this.#heap[at] = next;
      at = child;
    }
    this.#heap[at] = item;
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
