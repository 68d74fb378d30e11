// What every sink is, what it says of itself, and how it counts.

/** Why an answer was lost: bounded words, so that counts of a year stay small. */
export type DropReason =
  | 'link-down'
  | 'link-full'
  | 'queue-full'
  | 'refused'
  | 'reader-gone'
  | 'slow-reader'
  | 'stopped';

export type SinkCounts = {
  /** Answers handed over since it was opened. */
  readonly sent: number;
  /** Answers lost since it was opened. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** What hinders it now, for people; null while all is well. */
  readonly trouble: string | null;
};

export type Sink = {
  /** Takes one line of JSON; never waits, never throws. */
  readonly publish: (line: string) => void;
  readonly counts: () => SinkCounts;
  /** Hands over what it can within a second. */
  readonly close: () => Promise<void>;
};

/** The counts of one sink while it lives. */
export class Tally {
  #sent = 0;
  readonly #dropped: Partial<Record<DropReason, number>> = {};
  trouble: string | null = null;

  sent(answers: number): void {
    this.#sent += answers;
  }

  dropped(reason: DropReason, answers: number): void {
    if (answers > 0) this.#dropped[reason] = (this.#dropped[reason] ?? 0) + answers;
  }

  counts(): SinkCounts {
    return { sent: this.#sent, dropped: { ...this.#dropped }, trouble: this.trouble };
  }
}
