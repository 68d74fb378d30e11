// The frames in which a shadow differs most from the baseline, a handful of them in memory. Kept only after somebody has asked
// for them, only of the shadow that was meant, and only for a while: who has not asked gets nothing kept. Costs a comparison
// a pair, and a copy once a second at most.
import type { AnsweredFrame } from '../frame-outcome.ts';
import { shownPair } from '../preview/compare-arms.ts';
import { disagreementOf, type ReadFrame, type Taken, take } from './taken.ts';

export type Disagreement = Taken & { readonly disagreement: number };

export type SampleOrder = { readonly digest: string; readonly framesMax: number; readonly untilMs: number };

const COPY_EVERY_MS = 1000;
/** Eight frames of 800 × 800; of larger ones fewer are kept. */
const BYTES_MAX = 16 * 1024 * 1024;

export class Disagreements {
  readonly #readFrame: ReadFrame;
  #order: SampleOrder | null = null;
  #kept: readonly Disagreement[] = [];
  #copiedAtMs = Number.NEGATIVE_INFINITY;

  constructor(readFrame: ReadFrame) {
    this.#readFrame = readFrame;
  }

  /** Goes on with what is kept when it is the same shadow. */
  begin(order: SampleOrder): void {
    if (order.digest !== this.#order?.digest) this.forget();
    this.#order = order;
  }

  forget(): void {
    this.#order = null;
    this.#kept = [];
    this.#copiedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Largest first. */
  get kept(): readonly Disagreement[] {
    return this.#kept;
  }

  onAnswered(answered: AnsweredFrame, nowMs: number): void {
    const order = this.#order;
    if (order === null) return;
    if (nowMs >= order.untilMs) {
      this.forget();
      return;
    }
    const { pair } = answered;
    if (pair === null || pair.candidate.ref.digest !== order.digest || nowMs - this.#copiedAtMs < COPY_EVERY_MS) return;
    const disagreement = disagreementOf(shownPair(pair));
    if (
      disagreement === 0 ||
      (this.#kept.length >= this.#room(order) && disagreement <= (this.#kept.at(-1)?.disagreement ?? 0))
    )
      return;
    this.#copiedAtMs = nowMs;
    const taken = take(answered, this.#readFrame);
    if (taken === null) return;
    const ranked = [...this.#kept, { ...taken, disagreement }].sort((a, b) => b.disagreement - a.disagreement);
    this.#kept = ranked.slice(0, this.#room(order));
  }

  #room({ framesMax }: SampleOrder): number {
    const largest = Math.max(1, ...this.#kept.map(({ bytes }) => bytes.byteLength));
    return Math.max(1, Math.min(framesMax, Math.floor(BYTES_MAX / largest)));
  }
}
