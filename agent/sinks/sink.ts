// What every sink is. Types only.

export type Sink = {
  /** Takes one line of JSON; never waits, never throws. */
  readonly publish: (line: string) => void;
  /** Records lost since it was opened. */
  readonly dropped: () => number;
  readonly close: () => void;
};
