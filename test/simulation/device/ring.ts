// The frame slots of a simulated device's cameras. A slot belongs to one frame until everybody who had its token has
// answered or died; a frame that finds no free slot is never filmed.
import type { Checker } from '../check/checker.ts';
import type { ObservedLife } from '../check/observed-life.ts';

const SLOTS = 8;

export class Ring {
  readonly #checker: Checker;
  readonly #life: ObservedLife;
  readonly #taken = new Set<string>();

  constructor(checker: Checker, life: ObservedLife) {
    this.#checker = checker;
    this.#life = life;
  }

  /** Null: every slot is in use. */
  take(cameraId: string): number | null {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      if (this.#taken.has(`${cameraId} ${slot}`)) continue;
      this.#taken.add(`${cameraId} ${slot}`);
      return slot;
    }
    return null;
  }

  release(cameraId: string, slot: number): void {
    if (!this.#taken.delete(`${cameraId} ${slot}`)) this.#checker.onSlotFreedTwice(this.#life, cameraId, slot);
  }

  get inUse(): number {
    return this.#taken.size;
  }
}
