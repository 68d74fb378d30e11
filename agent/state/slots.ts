// The state that a device needs to boot safely: two preallocated 4 KB slots, rewritten in place by turns (sequence,
// CRC-32, fsync). No rename and no growth, so it works on a full disk; a torn slot loses to the other one.
// Layout of a slot: 8 bytes magic, u32 LE sequence, u32 LE length, u32 LE CRC of sequence, length and body, the body:
// deflated JSON (a full set of kills and quarantines is 6 KB of text, mostly digests).
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { BelayError } from '../../shared/basics/errors.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import type { DurableState } from '../core/state.ts';
import { durableSchema } from './durable-schema.ts';

export const SLOT_BYTES = 4096;
const MAGIC = 'BELAYST1';
const HEADER_BYTES = 20;
export const BODY_BYTES_MAX = SLOT_BYTES - HEADER_BYTES;
/** Far above the largest state; a bound for the inflater. */
const JSON_BYTES_MAX = 64 * 1024;
const NAMES = ['state.a', 'state.b'] as const;

export type SlotReading = {
  /** Null: neither slot can be read. */
  readonly durable: DurableState | null;
  readonly found: 'fresh' | 'whole' | 'one-lost' | 'both-lost';
};

/** Codes: `state-open` (the folder or its files), `state-write` (nothing was replaced), `state-too-large`. */
export class SlotsError extends BelayError {}

/** The two slot files of one data folder. One process at a time. */
export class Slots {
  readonly #files: readonly [number, number];
  readonly reading: SlotReading;
  #sequence: number;
  #next: 0 | 1;

  constructor(files: readonly [number, number]) {
    this.#files = files;
    const slots = files.map(readSlot);
    const [a, b] = slots;
    this.reading = judge(slots);
    const sequenceA = a?.kind === 'good' ? a.sequence : -1;
    const sequenceB = b?.kind === 'good' ? b.sequence : -1;
    this.#sequence = Math.max(sequenceA, sequenceB, 0);
    this.#next = sequenceA >= sequenceB && sequenceA >= 0 ? 1 : 0;
  }

  /** Durable when it returns. On any fault the last good state stays in the other slot. */
  write(durable: DurableState): void {
    const slot = encodeSlot(this.#sequence + 1, durable);
    const file = this.#files[this.#next];
    try {
      if (writeSync(file, slot, 0, SLOT_BYTES, 0) !== SLOT_BYTES) throw new Error('short write');
      fsyncSync(file);
    } catch (error) {
      const message = `writing the state slot ${NAMES[this.#next]}: ${(error as Error).message}; check the disk of this device`;
      throw new SlotsError('state-write', message, { cause: error });
    }
    this.#sequence += 1;
    this.#next = this.#next === 0 ? 1 : 0;
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
  }
}

/** Opens (and on a first start preallocates) the slots in `dataDir`. Throws SlotsError when that is impossible. */
export function openSlots(dataDir: string): Slots {
  try {
    mkdirSync(dataDir, { recursive: true });
    const [a, b] = NAMES.map((name) => openSlot(join(dataDir, name)));
    return new Slots([a ?? -1, b ?? -1]);
  } catch (error) {
    const message = `opening the state slots in ${dataDir}: ${(error as Error).message}; the agent must be able to write there`;
    throw new SlotsError('state-open', message, { cause: error });
  }
}

/** Reads the slots without ever writing: for looking at a device whose agent runs. */
export function readSlots(dataDir: string): SlotReading {
  const files = NAMES.map((name) => openSync(join(dataDir, name), 'r'));
  try {
    return judge(files.map(readSlot));
  } finally {
    for (const file of files) closeSync(file);
  }
}

type SlotContent =
  | { readonly kind: 'empty' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'good'; readonly sequence: number; readonly durable: DurableState };

/** The bytes of one slot. Throws SlotsError when the state does not fit: its parts are bounded so that it does. */
export function encodeSlot(sequence: number, durable: DurableState): Buffer {
  const whole = encodeBody(durable);
  const body = whole.length <= BODY_BYTES_MAX ? whole : encodeBody(withoutReasons(durable));
  if (body.length > BODY_BYTES_MAX) {
    const message = `writing the state: ${body.length} bytes do not fit a slot of ${BODY_BYTES_MAX}`;
    throw new SlotsError('state-too-large', message);
  }
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.write(MAGIC, 0, 'latin1');
  slot.writeUInt32LE(sequence, 8);
  slot.writeUInt32LE(body.length, 12);
  body.copy(slot, HEADER_BYTES);
  slot.writeUInt32LE(checksum(slot, body.length), 16);
  return slot;
}

export function decodeSlot(slot: Uint8Array): SlotContent {
  if (slot.every((byte) => byte === 0)) return { kind: 'empty' };
  const bytes = Buffer.from(slot.buffer, slot.byteOffset, slot.byteLength);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return { kind: 'lost' };
  const length = bytes.readUInt32LE(12);
  if (length > bytes.length - HEADER_BYTES || bytes.readUInt32LE(16) !== checksum(bytes, length))
    return { kind: 'lost' };
  const durable = decodeBody(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
  return durable === null ? { kind: 'lost' } : { kind: 'good', sequence: bytes.readUInt32LE(8), durable };
}

function encodeBody(durable: DurableState): Buffer {
  return deflateRawSync(JSON.stringify(durable));
}

/** Last resort for space: what must be obeyed stays, why is left out. */
function withoutReasons(durable: DurableState): DurableState {
  return {
    ...durable,
    kills: durable.kills.map((kills) => ({
      ...kills,
      entries: kills.entries.map((entry) => ({ ...entry, reason: '' })),
    })),
    quarantine: durable.quarantine.map((entry) => ({ ...entry, reason: '' })),
  };
}

function decodeBody(body: Uint8Array): DurableState | null {
  try {
    const parsed = parseJson(durableSchema, inflateRawSync(body, { maxOutputLength: JSON_BYTES_MAX }));
    return parsed.ok ? parsed.value : null;
  } catch {
    // A body with a good CRC that does not inflate was written by something else: the slot is lost.
    return null;
  }
}

function checksum(slot: Buffer, length: number): number {
  return crc32(slot.subarray(HEADER_BYTES, HEADER_BYTES + length), crc32(slot.subarray(8, 16)));
}

function openSlot(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const file = openSync(path, 'w+');
  // Real bytes, not a hole: the space is taken now, so that a full disk cannot refuse it later.
  writeSync(file, Buffer.alloc(SLOT_BYTES), 0, SLOT_BYTES, 0);
  fsyncSync(file);
  return file;
}

function readSlot(file: number): SlotContent {
  const slot = Buffer.alloc(SLOT_BYTES);
  const length = readSync(file, slot, 0, SLOT_BYTES, 0);
  return decodeSlot(slot.subarray(0, length));
}

function judge(slots: readonly SlotContent[]): SlotReading {
  const good = slots.filter((slot) => slot.kind === 'good').sort((a, b) => b.sequence - a.sequence);
  const isAllEmpty = slots.every((slot) => slot.kind === 'empty');
  const durable = good[0]?.durable ?? null;
  if (durable === null) return { durable, found: isAllEmpty ? 'fresh' : 'both-lost' };
  return { durable, found: slots.some((slot) => slot.kind === 'lost') ? 'one-lost' : 'whole' };
}
