// A camera that gives pictures at its own pace, played into the rings: the newest picture wins, an older one that
// nobody has had time for is a counted drop, and silence is a loss. What stalls or breaks ends in a SourceError.
import { SourceError } from './camera-source.ts';
import { type FrameWriter, type Stamp, stampNow } from './frame-writer.ts';
import { giveBack } from './give-back.ts';
import type { Picture } from './preprocess.ts';
import { liveStallMs, Silence } from './restart-pace.ts';

export type LiveFeed = {
  /** A new picture; the bytes are the feed's from here on. */
  readonly picture: (picture: Picture) => void;
  /** The camera answers, and says that its picture is still the same. */
  readonly unchanged: () => void;
};

export type LiveCamera = {
  /** Resolves when a source with an end has been read to it; rejects with SourceError when the camera is lost. */
  play(feed: LiveFeed): Promise<void>;
  /** Ends at once whatever runs for it. */
  close(): void;
};

export type PlayOptions = {
  /** Of the configuration; null: the camera's own pace is measured. */
  readonly fps: number | null;
  /** Once a second, with a picture that is not changed any more. */
  readonly judge: (picture: Picture) => Promise<void>;
  readonly judgeEveryMs: number;
};

/** Connecting, finding out what is sent, and waiting for the first whole picture of a stream (one each 10 s at worst). */
const FIRST_PICTURE_MS = 13_000;
const LOOK_MS = 200;
/** Numbers of pictures are u32 in a token. */
const INDEX_END = 0x1_0000_0000;

/** Plays until the camera ends or is lost; closes it in any case. */
export async function playCamera(camera: LiveCamera, writer: FrameWriter, options: PlayOptions): Promise<void> {
  const feeder = new Feeder(writer, options);
  const lost = Promise.withResolvers<never>();
  const watch = setInterval(() => {
    const stall = feeder.stall();
    if (stall !== null) lost.reject(stall);
  }, LOOK_MS);
  try {
    const feed = { picture: (picture: Picture) => feeder.take(picture), unchanged: () => feeder.unchanged() };
    await Promise.race([camera.play(feed), lost.promise]);
    await feeder.settled();
  } finally {
    clearInterval(watch);
    camera.close();
  }
}

type Waiting = { readonly picture: Picture; readonly stamp: Stamp };

class Feeder {
  readonly #writer: FrameWriter;
  readonly #options: PlayOptions;
  readonly #silence = new Silence(performance.now());
  #waiting: Waiting | null = null;
  #working: Promise<void> | null = null;
  #last: Picture | null = null;
  #count = 0;
  #cameAtMs: number | null = null;
  /** Pictures in a row that could not be decoded. */
  #broken = 0;
  /** Smoothed, ms. */
  #intervalMs: number | null = null;
  #judgedAtMs = Number.NEGATIVE_INFINITY;

  constructor(writer: FrameWriter, options: PlayOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  take(picture: Picture): void {
    this.#measurePace(performance.now());
    if (this.#waiting !== null) this.#skip(this.#waiting.picture);
    this.#waiting = { picture, stamp: stampNow() };
    this.#working ??= this.#work();
  }

  unchanged(): void {
    this.#silence.heard(performance.now());
    if (this.#last !== null) this.#working ??= this.#judgeAgain(this.#last);
  }

  /** Resolves when everything that was taken has been delivered or dropped. */
  async settled(): Promise<void> {
    await this.#working;
  }

  stall(): SourceError | null {
    const silentMs = this.#silence.look(performance.now());
    const { fps } = this.#options;
    const isFirst = this.#cameAtMs === null;
    const allowedMs = isFirst ? FIRST_PICTURE_MS : liveStallMs(fps === null ? this.#intervalMs : 1000 / fps);
    if (silentMs <= allowedMs) return null;
    return new SourceError(`the camera stalled: ${this.#complaint(isFirst)} for ${Math.round(silentMs)} ms`, {
      isStall: true,
    });
  }

  #complaint(isFirst: boolean): string {
    if (this.#broken > 0) return `${this.#broken} pictures in a row could not be decoded,`;
    return isFirst ? 'no picture since it was asked' : 'no picture';
  }

  #measurePace(nowMs: number): void {
    if (this.#cameAtMs !== null) {
      const gapMs = nowMs - this.#cameAtMs;
      this.#intervalMs = this.#intervalMs === null ? gapMs : this.#intervalMs * 0.9 + gapMs * 0.1;
    }
    this.#cameAtMs = nowMs;
  }

  #skip(picture: Picture): void {
    this.#writer.skip(1);
    giveBack(picture.bytes);
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null;
      await this.#capture(next);
    }
    this.#working = null;
  }

  async #capture({ picture, stamp }: Waiting): Promise<void> {
    const index = this.#count;
    this.#count = (this.#count + 1) % INDEX_END;
    const brokenBefore = this.#writer.counts().dropped.unreadable;
    await this.#writer.capture(async () => ({ picture, index }), { stamp });
    const isBroken = this.#writer.counts().dropped.unreadable > brokenBefore;
    this.#broken = isBroken ? this.#broken + 1 : 0;
    if (isBroken) return;
    this.#silence.heard(performance.now());
    if (this.#last !== null) giveBack(this.#last.bytes);
    this.#last = picture;
    await this.#judge(picture);
  }

  async #judgeAgain(picture: Picture): Promise<void> {
    await this.#judge(picture);
    this.#working = null;
    if (this.#waiting !== null) this.#working = this.#work();
  }

  async #judge(picture: Picture): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#judgedAtMs < this.#options.judgeEveryMs) return;
    this.#judgedAtMs = nowMs;
    await this.#options.judge(picture);
  }
}
