// Lines that wait for a reader: bounded in number and bytes, the oldest go first, because an answer is worth most while
// it is fresh. No clock, no file.

export type QueueLimits = { readonly lines: number; readonly bytes: number };

export class LineQueue {
  readonly #limits: QueueLimits;
  readonly #lines: string[] = [];
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#lines.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a line; returns how many had to go for it, itself included when it alone is too long. */
  push(line: string): number {
    this.#lines.push(line);
    this.#bytes += sizeOf(line);
    return this.#shrink();
  }

  /** The oldest lines, taken out: at least one if there is any, then as many as fit. */
  take(limits: QueueLimits): readonly string[] {
    let [count, bytes] = [0, 0];
    for (const line of this.#lines) {
      bytes += sizeOf(line);
      if (count === limits.lines || (count > 0 && bytes > limits.bytes)) break;
      count += 1;
    }
    const taken = this.#lines.splice(0, count);
    for (const line of taken) this.#bytes -= sizeOf(line);
    return taken;
  }

  /** Lines that were taken and not handed over, back in front; returns how many had to go. */
  putBack(lines: readonly string[]): number {
    this.#lines.unshift(...lines);
    for (const line of lines) this.#bytes += sizeOf(line);
    return this.#shrink();
  }

  #shrink(): number {
    let gone = 0;
    while (this.#lines.length > this.#limits.lines || this.#bytes > this.#limits.bytes) {
      this.#bytes -= sizeOf(this.#lines.shift() ?? '');
      gone += 1;
    }
    return gone;
  }
}

/** With its newline. */
function sizeOf(line: string): number {
  return Buffer.byteLength(line) + 1;
}
