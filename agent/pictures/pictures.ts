// The door of pictures on demand: obeys a signed ask once, takes frames that the loop has answered anyway, and sends them. It
// keeps nothing that nobody has asked for, and the frame loop waits for nothing here but the copy of a frame.
import { describeError } from '../../shared/basics/errors.ts';
import type { PictureUpload } from '../../shared/protocol/api-pictures.ts';
import type { Ask } from '../../shared/protocol/documents.ts';
import type { After } from '../after.ts';
import type { AnsweredFrame } from '../frame-outcome.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { Disagreements } from './disagreements.ts';
import { LastFrames } from './last-frames.ts';
import type { SendPictures } from './send-pictures.ts';
import type { ReadFrame } from './taken.ts';

export type PicturesPolicy = 'allowed' | 'never';

export type PicturesParts = SendPictures & {
  /** What the configuration of this device says. */
  readonly policy: PicturesPolicy;
  readonly boot: string;
  readonly cameraIds: readonly string[];
  readonly isShadowing: () => boolean;
  readonly readFrame: ReadFrame;
  readonly monotonicNow: () => number;
  readonly after: After;
  readonly log: RoomLog;
};

/** A shadow may skip frames; without one the next frame is enough. */
const LAST_FRAME_MS_MAX = 4_000;
/** The first ask begins to look; later ones find what is kept by then. */
const FIRST_LOOK_MS = 10_000;
const ASK_EVERY_MS = 1_000;
/** Nobody looks at more than a thousand pictures a day of one device. */
const DAY_BYTES_MAX = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
const OBEYED_MAX = 64;

export class PicturesOnDemand {
  readonly #parts: PicturesParts;
  readonly #disagreements: Disagreements;
  readonly #obeyed = new Set<string>();
  #lastFrames: LastFrames | null = null;
  readonly #busyWith = new Set<Ask['what']>();
  readonly #askedAtMs = new Map<Ask['what'], number>();
  #dayBeganMs = Number.NEGATIVE_INFINITY;
  #dayBytes = 0;

  constructor(parts: PicturesParts) {
    this.#parts = parts;
    this.#disagreements = new Disagreements(parts.readFrame);
  }

  /** Called while the frame's slot is held; costs two comparisons while nobody has asked. */
  onAnswered(answered: AnsweredFrame): void {
    this.#lastFrames?.onAnswered(answered);
    this.#disagreements.onAnswered(answered, this.#parts.monotonicNow());
  }

  /** A verified ask that is meant for this device. Resolves when it is dealt with; never rejects. */
  async asked(ask: Ask): Promise<void> {
    const { boot, log } = this.#parts;
    // One of an earlier boot, or one that is played again: whoever repeats it gets nothing.
    if (ask.boot !== boot || this.#obeyed.has(ask.id)) return;
    this.#remember(ask.id);
    if (ask.what === 'forget') {
      this.#disagreements.forget();
      return;
    }
    const refusal = this.#refusal(ask.what);
    const upload: Promise<PictureUpload> =
      refusal === null ? this.#obey(ask) : Promise.resolve({ kind: 'refused', reason: refusal });
    try {
      const bytes = await this.#parts.send(ask.id, await upload);
      this.#dayBytes += bytes;
      log.info({ ask: ask.id, what: ask.what, bytes, refusal }, 'somebody asked for pictures');
    } catch (error) {
      log.warn({ ask: ask.id, what: ask.what, error: describeError(error) }, 'pictures could not be sent');
    }
  }

  /** Null: it is obeyed. */
  #refusal(what: Ask['what']): string | null {
    const { policy, monotonicNow } = this.#parts;
    if (policy === 'never') return 'the configuration of this device lets no picture leave it (pictures: never)';
    const nowMs = monotonicNow();
    if (this.#busyWith.has(what)) return 'it is still busy with the pictures that were asked for before';
    if (nowMs - (this.#askedAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < ASK_EVERY_MS)
      return 'it was asked less than a second ago';
    if (nowMs - this.#dayBeganMs >= DAY_MS) {
      this.#dayBeganMs = nowMs;
      this.#dayBytes = 0;
    }
    if (this.#dayBytes >= DAY_BYTES_MAX)
      return `it has sent ${Math.round(this.#dayBytes / 1e6)} MB of pictures within a day, which is all that it may`;
    this.#askedAtMs.set(what, nowMs);
    return null;
  }

  async #obey(ask: Ask): Promise<PictureUpload> {
    this.#busyWith.add(ask.what);
    try {
      return ask.what === 'last-frame' ? await this.#takeLastFrames(ask) : await this.#takeDisagreements(ask);
    } finally {
      this.#busyWith.delete(ask.what);
    }
  }

  async #takeLastFrames(ask: Ask): Promise<PictureUpload> {
    const { cameraIds, readFrame, isShadowing, develop } = this.#parts;
    const frames = new LastFrames(cameraIds, { readFrame, isPairWanted: isShadowing() });
    this.#lastFrames = frames;
    await this.#within(LAST_FRAME_MS_MAX, frames.complete);
    this.#lastFrames = null;
    const { taken, missing } = frames;
    const silent = `no frame was answered within ${LAST_FRAME_MS_MAX / 1000} s: ${missing.join(', ')}`;
    if (taken.length === 0) return { kind: 'refused', reason: silent };
    const upload = await develop(taken, ask.pictureBytesMax);
    return missing.length === 0 ? upload : { ...upload, note: silent };
  }

  async #takeDisagreements(ask: Ask): Promise<PictureUpload> {
    const { monotonicNow, isShadowing, develop } = this.#parts;
    const { digest, framesMax, keepMs } = ask;
    if (digest === undefined || !isShadowing()) return { kind: 'refused', reason: 'no candidate shadows here now' };
    this.#disagreements.begin({ digest, framesMax, untilMs: monotonicNow() + keepMs });
    if (this.#disagreements.kept.length === 0) await this.#within(FIRST_LOOK_MS);
    const upload = await develop(this.#disagreements.kept, ask.pictureBytesMax);
    const looked = `both releases agreed on every frame of ${FIRST_LOOK_MS / 1000} s; it goes on looking`;
    return upload.pictures.length === 0 && upload.note === null ? { ...upload, note: looked } : upload;
  }

  async #within(ms: number, what: Promise<void> = new Promise(() => undefined)): Promise<void> {
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.after(ms, resolve);
    await Promise.race([what, patience]);
    cancel();
  }

  #remember(askId: string): void {
    this.#obeyed.add(askId);
    for (const oldest of this.#obeyed) {
      if (this.#obeyed.size <= OBEYED_MAX) break;
      this.#obeyed.delete(oldest);
    }
  }
}
