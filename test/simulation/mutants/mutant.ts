// A planted mistake. Types only.
import type { Wiring } from '../wiring.ts';

export type Mutant = {
  /** What such a program would do wrong. */
  readonly what: string;
  readonly wiring: Partial<Wiring>;
};
