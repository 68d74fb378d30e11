// The last changes of the wall in order, so that a stream that was cut goes on where it ended; bounded by their number.
import type { LiveChange } from '../../shared/protocol/api-live.ts';

export type Batch = { readonly revision: number; readonly nowMs: number; readonly changes: readonly LiveChange[] };

export class ChangeRing {
  readonly #changesMax: number;
  #batches: Batch[] = [];
  #count = 0;
  /** Everything after this revision is held. */
  #after = 0;

  constructor(changesMax: number) {
    this.#changesMax = changesMax;
  }

  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#count += batch.changes.length;
    while (this.#count > this.#changesMax && this.#batches.length > 0) this.#drop();
  }

  /** The newest word on each thing that has changed since; null: that is no longer known. */
  since(revision: number): readonly LiveChange[] | null {
    if (revision < this.#after) return null;
    const newest = new Map<string, LiveChange>();
    for (const batch of this.#batches)
      if (batch.revision > revision)
        for (const change of batch.changes) newest.set(`${change.resource} ${change.id}`, change);
    return [...newest.values()];
  }

  #drop(): void {
    const oldest = this.#batches.shift();
    this.#count -= oldest?.changes.length ?? 0;
    this.#after = oldest?.revision ?? this.#after;
  }
}
