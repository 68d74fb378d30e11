// The next frame of each camera, for somebody who waits for it: while a shadow runs, one that both arms have answered, if one
// comes in time. A frame is copied only while it is waited for and its slot of the ring is held.
import type { AnsweredFrame } from '../frame-outcome.ts';
import { type ReadFrame, type Taken, take } from './taken.ts';

export class LastFrames {
  readonly #readFrame: ReadFrame;
  readonly #isPairWanted: boolean;
  /** Null: none has come yet. */
  readonly #taken: Map<string, Taken | null>;
  readonly #done = Promise.withResolvers<void>();

  constructor(
    cameraIds: readonly string[],
    options: { readonly readFrame: ReadFrame; readonly isPairWanted: boolean },
  ) {
    this.#readFrame = options.readFrame;
    this.#isPairWanted = options.isPairWanted;
    this.#taken = new Map(cameraIds.map((cameraId) => [cameraId, null]));
  }

  /** Resolves when every camera has given what is waited for. */
  get complete(): Promise<void> {
    return this.#done.promise;
  }

  get taken(): readonly Taken[] {
    return [...this.#taken.values()].filter((one) => one !== null);
  }

  get missing(): readonly string[] {
    return [...this.#taken].flatMap(([cameraId, taken]) => (taken === null ? [cameraId] : []));
  }

  onAnswered(answered: AnsweredFrame): void {
    const { cameraId, role } = answered.outcome;
    const known = this.#taken.get(cameraId);
    if (known === undefined) return;
    const isPair = answered.pair !== null;
    // A lone answer is copied once, to have anything at all; a pair is better, and the first one is kept.
    const isWanted = known === null ? isPair || role !== 'shadow' : isPair && known.arms.length < 2;
    if (!isWanted) return;
    const taken = take(answered, this.#readFrame);
    if (taken === null) return;
    this.#taken.set(cameraId, taken);
    const isEnough = (one: Taken | null) => one !== null && (!this.#isPairWanted || one.arms.length === 2);
    if ([...this.#taken.values()].every(isEnough)) this.#done.resolve();
  }
}
