// What the checker sees of one life of an agent. Types only.
import type { CoreState, DurableState } from '../../../agent/core/state.ts';

export type ObservedLife = {
  readonly index: number;
  readonly site: string;
  readonly name: string;
  readonly boot: string;
  /** What `persist` was last asked to keep, written or not. */
  readonly asked: DurableState | null;
  readonly state: () => CoreState;
};
