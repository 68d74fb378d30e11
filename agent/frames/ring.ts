// A ring of frames in a tmpfs file, written with pwrite and read with pread: no mapping, no native code, and a full
// tmpfs is an error code instead of a bus error. Who may use which slot is decided elsewhere, by tokens.
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import type { InputContract } from '../../shared/release/manifest.ts';
import { contractHash, frameBytesOf } from './input-contract.ts';

export type RingInfo = { readonly path: string; readonly slots: number; readonly frameBytes: number };

/** Codes: `ring-no-space`, `ring-in-use`, `ring-failed`, `ring-read`, `ring-write`. */
export class RingError extends BelayError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
    this.name = 'RingError';
  }
}

type RingPlace = {
  readonly ringDir: string;
  readonly device: string;
  readonly cameraId: string;
  readonly contract: InputContract;
};

/** Who made a ring: a process is named by its pid and its start time, because pids are used again. */
type Owner = { readonly pid: number; readonly startedAt: string };

const RING_NAME = /^belay-[a-z0-9-]+-[0-9a-f]{16}$/;
const OWNER_SUFFIX = '.owner';

/** Slots of one ring: 8 live frames and room for growth; more would only hold older frames. */
const SLOTS_MAX = 64;

/** Makes the ring file at full size, so that a full tmpfs is met here and not at a frame. Replaces one of a dead owner. */
export function createRing(place: RingPlace, slots: number): RingInfo {
  if (!(slots >= 2 && slots <= SLOTS_MAX)) throw new RangeError(`a ring has 2 to ${SLOTS_MAX} slots, not ${slots}`);
  const path = ringPath(place);
  const info = { path, slots, frameBytes: frameBytesOf(place.contract) };
  const owner = readOwner(path);
  if (owner && owner.pid !== process.pid && isAlive(owner)) {
    throw new RingError(
      'ring-in-use',
      `making the frame ring ${path}: process ${owner.pid} already serves this camera; stop that agent first`,
    );
  }
  try {
    writeFileSync(path + OWNER_SUFFIX, JSON.stringify(self()));
    fillWithZeros(info);
  } catch (error) {
    removeRing(info);
    throw creationError(info, error);
  }
  return info;
}

export function ringPath(place: RingPlace): string {
  const name = `belay-${place.device}-${place.cameraId}-${contractHash(place.contract)}`;
  if (!RING_NAME.test(name)) throw new RangeError(`"${name}" cannot name a ring: a-z, 0-9 and "-" only`);
  return join(place.ringDir, name);
}

export function removeRing(ring: Pick<RingInfo, 'path'>): void {
  for (const path of [ring.path, ring.path + OWNER_SUFFIX]) unlinkIfThere(path);
}

/** Removes the rings in `ringDir` whose owner is gone; says which. Called once at start. */
export function sweepRings(ringDir: string): readonly string[] {
  const names = new Set(readdirSync(ringDir));
  const rings = [...names].filter((name) => RING_NAME.test(name) && names.has(name + OWNER_SUFFIX));
  const stale = rings
    .map((name) => join(ringDir, name))
    .filter((path) => {
      const owner = readOwner(path);
      return owner === null || !isAlive(owner);
    });
  for (const path of stale) removeRing({ path });
  return stale;
}

/** One open end of a ring: the source writes, runners read. */
export class Ring {
  readonly info: RingInfo;
  readonly #fd: number;
  #isOpen = true;

  constructor(info: RingInfo, fd: number) {
    this.info = info;
    this.#fd = fd;
  }

  /** Copies a whole frame into a slot. Throws RingError `ring-write`. */
  write(slot: number, frame: Uint8Array): void {
    this.#check(slot, frame);
    const written = this.#attempt('ring-write', () =>
      writeSync(this.#fd, frame, 0, frame.byteLength, slot * frame.byteLength),
    );
    if (written !== frame.byteLength) throw this.#short('ring-write', slot, written);
  }

  /** Fills `frame` from a slot. Throws RingError `ring-read`. */
  read(slot: number, frame: Uint8Array): void {
    this.#check(slot, frame);
    const read = this.#attempt('ring-read', () =>
      readSync(this.#fd, frame, 0, frame.byteLength, slot * frame.byteLength),
    );
    if (read !== frame.byteLength) throw this.#short('ring-read', slot, read);
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }

  #attempt(code: string, act: () => number): number {
    try {
      return act();
    } catch (error) {
      throw new RingError(code, `${code} on ${this.info.path}: ${describeError(error)}; free space there`, error);
    }
  }

  #check(slot: number, frame: Uint8Array): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= this.info.slots)
      throw new RangeError(`slot ${slot} of a ring with ${this.info.slots}`);
    if (frame.byteLength !== this.info.frameBytes)
      throw new RangeError(`a frame of ${frame.byteLength} bytes in a ring of ${this.info.frameBytes}`);
  }

  #short(code: string, slot: number, moved: number): RingError {
    const { path, frameBytes } = this.info;
    return new RingError(code, `${code} on ${path}: ${moved} of ${frameBytes} bytes at slot ${slot}; free space there`);
  }
}

/** Opens an existing ring: `w` for the source process, `r` for a runner. */
export function openRing(info: RingInfo, mode: 'r' | 'w'): Ring {
  try {
    return new Ring(info, openSync(info.path, mode === 'r' ? 'r' : 'r+'));
  } catch (error) {
    throw new RingError(
      'ring-failed',
      `opening the frame ring ${info.path}: ${describeError(error)}; restart the agent`,
      error,
    );
  }
}

function fillWithZeros(info: RingInfo): void {
  const fd = openSync(info.path, 'w', 0o600);
  try {
    ftruncateSync(fd, 0);
    const zeros = new Uint8Array(info.frameBytes);
    for (let slot = 0; slot < info.slots; slot++) {
      const written = writeSync(fd, zeros, 0, zeros.byteLength, slot * zeros.byteLength);
      if (written !== zeros.byteLength) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    }
  } finally {
    closeSync(fd);
  }
}

function creationError(info: RingInfo, error: unknown): RingError {
  const bytes = (info.slots * info.frameBytes).toLocaleString('en');
  const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  const next = isFull ? 'free space there or lower the slots of this camera' : 'check the directory and its rights';
  return new RingError(
    isFull ? 'ring-no-space' : 'ring-failed',
    `making the frame ring ${info.path} (${bytes} bytes): ${describeError(error)}; ${next}`,
    error,
  );
}

function readOwner(path: string): Owner | null {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(path + OWNER_SUFFIX, 'utf8')) as Partial<Owner>;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : null;
  } catch {
    // Missing, or torn by a power cut in the middle of its 40 bytes: nobody's ring either way.
    return null;
  }
}

function self(): Owner {
  return { pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' };
}

function isAlive(owner: Owner): boolean {
  return startTimeOf(owner.pid) === owner.startedAt;
}

/** Clock ticks since boot at which a process started (field 22 of its stat line); null when there is no such process. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; fields are counted from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // ENOTDIR: the folder it should lie in is a file.
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
