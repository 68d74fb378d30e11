// The source's hands: free slots, rings, and the counts that must add up: captured = delivered + dropped, always.
import type { InputContract } from '../../shared/release/manifest.ts';
import { type Picture, preprocess } from './preprocess.ts';
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

export type FrameWriter = {
  /** Takes one picture into a free slot, or counts why not. With `always`, reads it even when no slot is free. Null: not read. */
  capture(read: () => Promise<Reading>, always?: boolean): Promise<Picture | null>;
  /** Counts frames that came while the last one was still being worked on. */
  skip(frames: number): void;
  release(slot: number): void;
  /** Resolves when a slot is free. */
  slotFree(): Promise<void>;
  /** Takes effect between two frames; answered by `rings-set`. */
  setRings(change: Pick<SourceHello, 'rings' | 'generation'>): Promise<void>;
  counts(): SourceCounts;
};

/** Opens the rings of `hello`. Throws RingError when one is not there. */
export function openFrameWriter(hello: SourceHello, send: (message: FromSource) => void): FrameWriter {
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  // Oldest first: a slot rests as long as possible before it is written again.
  const free = Array.from({ length: hello.slots }, (_, slot) => slot).filter((slot) => !hello.held.includes(slot));
  const waiting: (() => void)[] = [];
  let rings = openRings(hello.rings);
  let captured = 0;
  let delivered = 0;
  let busy: Promise<unknown> = Promise.resolve();

  const deliver = async (reading: Reading, slot: number, times: Times): Promise<DropReason | null> => {
    try {
      for (const { contract, ring } of rings) ring.write(slot, await preprocess(reading.picture, contract));
    } catch (error) {
      return error instanceof RingError ? 'ring-write' : 'unreadable';
    }
    send({ type: 'token', slot, index: reading.index, ...times });
    return null;
  };

  const settle = (reason: DropReason | null, slot: number | undefined): void => {
    captured += 1;
    if (reason === null) delivered += 1;
    else dropped[reason] += 1;
    if (reason !== null && slot !== undefined) free.unshift(slot);
  };

  const take = async (read: () => Promise<Reading>, always: boolean): Promise<Picture | null> => {
    const times = { seq: captured, capturedAtMs: Date.now(), monotonicMs: monotonicMs() };
    const slot = free.shift();
    const reading = slot !== undefined || always ? await readOrNull(read) : null;
    if (slot === undefined) settle('no-free-slot', slot);
    else settle(reading === null ? 'unreadable' : await deliver(reading, slot, times), slot);
    return reading?.picture ?? null;
  };

  send({ type: 'rings-set', generation: hello.generation });
  return {
    capture(read, always = false) {
      const taking = busy.then(() => take(read, always));
      busy = taking;
      return taking;
    },
    skip(frames) {
      captured += frames;
      dropped.late += frames;
    },
    release(slot) {
      free.push(slot);
      waiting.shift()?.();
    },
    async slotFree() {
      if (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    setRings(change) {
      const changing = busy.then(() => {
        for (const { ring } of rings) ring.close();
        rings = openRings(change.rings);
        send({ type: 'rings-set', generation: change.generation });
      });
      busy = changing;
      return changing;
    },
    counts: () => ({ type: 'counts', captured, delivered, dropped: { ...dropped } }),
  };
}

type Times = { readonly seq: number; readonly capturedAtMs: number; readonly monotonicMs: number };

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
