// The last picture of each camera with what was found in it. A frame is copied only while somebody looks, twice a second
// at most, and only while its slot of the ring is still held: without a viewer this costs a comparison a frame.
import type { InputContract } from '../../shared/release/manifest.ts';
import type { AnsweredFrame } from '../frame-outcome.ts';
import { type ShownArm, shownAlone, shownPair } from './compare-arms.ts';

export type ShownPicture = {
  readonly cameraId: string;
  /** Grows by one with every picture of this agent. */
  readonly id: number;
  readonly requestId: string;
  readonly capturedAtMs: number;
  readonly contract: InputContract;
  readonly frame: Uint8Array;
  readonly arms: readonly ShownArm[];
  readonly isPair: boolean;
};

export type PicturesParts = {
  readonly monotonicNow: () => number;
  /** A copy of a slot's frame; null when it cannot be read. */
  readonly readFrame: (cameraId: string, contract: InputContract, slot: number) => Uint8Array | null;
};

const COPY_EVERY_MS = 500;
/** A viewer asks every second; one that has not asked for this long has gone. */
const WATCHED_MS = 5_000;
/** A frame that both arms have answered says more than a newer one: it stays until then. */
const PAIR_STAYS_MS = 3_000;
/** The page may still ask for the picture before. */
const KEPT_PER_CAMERA = 2;

export class Pictures {
  readonly #parts: PicturesParts;
  readonly #kept = new Map<string, readonly ShownPicture[]>();
  readonly #copiedAtMs = new Map<string, number>();
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #lastId = 0;

  constructor(parts: PicturesParts) {
    this.#parts = parts;
  }

  /** Somebody looks. */
  asked(): void {
    this.#askedAtMs = this.#parts.monotonicNow();
  }

  latest(cameraId: string): ShownPicture | null {
    return this.#kept.get(cameraId)?.[0] ?? null;
  }

  find(cameraId: string, id: number): ShownPicture | null {
    return this.#kept.get(cameraId)?.find((picture) => picture.id === id) ?? null;
  }

  onAnswered(answered: AnsweredFrame): void {
    const nowMs = this.#parts.monotonicNow();
    if (nowMs - this.#askedAtMs > WATCHED_MS) return;
    const { cameraId, requestId } = answered.outcome;
    const shown = this.latest(cameraId);
    if (shown?.requestId === requestId) this.#complete(shown, answered);
    else if (this.#isDue(shown, answered, nowMs)) this.#copy(answered, nowMs);
  }

  /** The other arm's answer to the frame that is shown. */
  #complete(shown: ShownPicture, { pair }: AnsweredFrame): void {
    if (pair === null) return;
    const [, ...older] = this.#kept.get(shown.cameraId) ?? [];
    this.#kept.set(shown.cameraId, [{ ...shown, arms: shownPair(pair), isPair: true }, ...older]);
  }

  #isDue(shown: ShownPicture | null, { outcome, flight, pair }: AnsweredFrame, nowMs: number): boolean {
    // The picture is the one that the serving release has seen; a shadow's joins it.
    if (outcome.role === 'shadow') return false;
    const ageMs = nowMs - (this.#copiedAtMs.get(outcome.cameraId) ?? Number.NEGATIVE_INFINITY);
    if (ageMs < COPY_EVERY_MS) return false;
    const willBePair = pair !== null || flight.frame.pair !== null;
    return willBePair || shown === null || !shown.isPair || ageMs >= PAIR_STAYS_MS;
  }

  #copy({ lane, flight, outcome, pair }: AnsweredFrame, nowMs: number): void {
    const { cameraId, requestId, capturedAtMs, role, release, result } = outcome;
    if (result.kind === 'failed') return;
    this.#copiedAtMs.set(cameraId, nowMs);
    const frame = this.#parts.readFrame(cameraId, lane.input, flight.frame.token.slot);
    if (frame === null) return;
    const arm = role === 'candidate' ? 'candidate' : 'baseline';
    const arms = pair === null ? shownAlone(arm, release.release, result.answer) : shownPair(pair);
    this.#lastId += 1;
    const fields = { cameraId, requestId, capturedAtMs, arms, frame, isPair: pair !== null };
    const picture = { ...fields, id: this.#lastId, contract: lane.input };
    const older = this.#kept.get(cameraId) ?? [];
    this.#kept.set(cameraId, [picture, ...older].slice(0, KEPT_PER_CAMERA));
  }
}
