// The source's hands: free slots, rings, and the counts that must add up: captured = delivered + dropped, always.
import type { InputContract } from '../../shared/release/manifest.ts';
import type { PictureSize } from './geometry.ts';
import { giveBack } from './give-back.ts';
import { decodeAsSized, isInputSize, type Picture, pictureSizeOf, preprocess } from './preprocess.ts';
import { openRing, type Ring, RingError } from './ring.ts';
import {
  DROP_REASONS,
  type DropReason,
  type FromSource,
  type SourceCounts,
  type SourceHello,
} from './source-protocol.ts';

type OpenedRing = { readonly contract: InputContract; readonly ring: Ring };
type Reading = { readonly picture: Picture; readonly index: number };

const NS_PER_MS = 1e6;

/** When a picture was captured: by the wall clock, and by the kernel's monotonic clock. */
export type Stamp = { readonly capturedAtMs: number; readonly monotonicMs: number };

type Times = Stamp & { readonly seq: number };

export type CaptureOptions = {
  /** Read it even when no slot is free. */
  readonly always?: boolean;
  /** When it was captured; left out: now. */
  readonly stamp?: Stamp;
};

export function stampNow(): Stamp {
  return { capturedAtMs: Date.now(), monotonicMs: monotonicMs() };
}

/** Opens the rings of `hello`. Throws RingError when one is not there. */
export function openFrameWriter(hello: SourceHello, send: (message: FromSource) => void): FrameWriter {
  return new FrameWriter(hello, send);
}

export class FrameWriter {
  readonly #send: (message: FromSource) => void;
  /** Oldest first: a slot rests as long as possible before it is written again. */
  readonly #free: number[];
  readonly #waiting: (() => void)[] = [];
  readonly #dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  #rings: readonly OpenedRing[];
  #lastSize: PictureSize | null = null;
  #isSteady = true;
  #captured = 0;
  #delivered = 0;
  /** Frames and changes of rings happen one after the other. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(hello: SourceHello, send: (message: FromSource) => void) {
    this.#send = send;
    this.#free = Array.from({ length: hello.slots }, (_, slot) => slot).filter((slot) => !hello.held.includes(slot));
    this.#rings = openRings(hello.rings);
    send({ type: 'rings-set', generation: hello.generation });
  }

  /** Takes one picture into a free slot, or counts why not. Null: not read. */
  capture(read: () => Promise<Reading>, options: CaptureOptions = {}): Promise<Picture | null> {
    const taking = this.#busy.then(() => this.#take(read, options));
    this.#busy = taking;
    return taking;
  }

  /** Counts frames that came while the last one was still being worked on. */
  skip(frames: number): void {
    this.#captured += frames;
    this.#dropped.late += frames;
  }

  release(slot: number): void {
    this.#free.push(slot);
    this.#waiting.shift()?.();
  }

  /** Resolves when a slot is free. */
  async slotFree(): Promise<void> {
    if (this.#free.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Takes effect between two frames; answered by `rings-set`. */
  setRings(change: Pick<SourceHello, 'rings' | 'generation'>): Promise<void> {
    const changing = this.#busy.then(() => {
      for (const { ring } of this.#rings) ring.close();
      this.#rings = openRings(change.rings);
      this.#send({ type: 'rings-set', generation: change.generation });
    });
    this.#busy = changing;
    return changing;
  }

  counts(): SourceCounts {
    const dropped = { ...this.#dropped };
    return { type: 'counts', captured: this.#captured, delivered: this.#delivered, dropped };
  }

  async #take(read: () => Promise<Reading>, { always, stamp }: CaptureOptions): Promise<Picture | null> {
    const times = { seq: this.#captured, ...(stamp ?? stampNow()) };
    const slot = this.#free.shift();
    const reading = slot !== undefined || always ? await readOrNull(read) : null;
    if (slot === undefined) this.#settle('no-free-slot', slot);
    else this.#settle(reading === null ? 'unreadable' : await this.#deliver(reading, slot, times), slot);
    return reading?.picture ?? null;
  }

  async #deliver({ picture, index }: Reading, slot: number, times: Times): Promise<DropReason | null> {
    let size: PictureSize;
    try {
      size = (await this.#writeAsBefore(picture, slot)) ?? (await this.#writeToEach(picture, slot));
      this.#lastSize = size;
    } catch (error) {
      return error instanceof RingError ? 'ring-write' : 'unreadable';
    }
    this.#send({ type: 'token', slot, index, ...times, picture: size });
    return null;
  }

  async #writeToEach(picture: Picture, slot: number): Promise<PictureSize> {
    const size = await pictureSizeOf(picture);
    for (const { contract, ring } of this.#rings) {
      const frame = await preprocess(picture, contract, size);
      ring.write(slot, frame);
      // One that came ready is the picture itself, which others may still look at.
      if (frame !== picture.bytes) giveBack(frame);
    }
    return size;
  }

  /** A camera's pictures are all alike: one that had the input's size is followed by others. Null: this one is not. */
  async #writeAsBefore(picture: Picture, slot: number): Promise<PictureSize | null> {
    const [first, ...others] = this.#rings;
    const size = this.#lastSize;
    if (first === undefined || others.length > 0 || picture.raw !== undefined) return null;
    if (!this.#isSteady || size === null || !isInputSize(size, first.contract)) return null;
    const frame = await decodeAsSized(picture, first.contract);
    if (frame === null) {
      // Decoded for nothing: this camera changes, or sends other channels.
      this.#isSteady = false;
      return null;
    }
    first.ring.write(slot, frame);
    giveBack(frame);
    return size;
  }

  #settle(reason: DropReason | null, slot: number | undefined): void {
    this.#captured += 1;
    if (reason === null) this.#delivered += 1;
    else this.#dropped[reason] += 1;
    if (reason !== null && slot !== undefined) this.#free.unshift(slot);
  }
}

function openRings(rings: SourceHello['rings']): readonly OpenedRing[] {
  return rings.map(({ contract, ring }) => ({ contract, ring: openRing(ring, 'w') }));
}

async function readOrNull(read: () => Promise<Reading>): Promise<Reading | null> {
  try {
    return await read();
  } catch {
    // A file that vanished or a loop that was cut: counted as unreadable, and a camera without frames is lost anyway.
    return null;
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NS_PER_MS;
}
