// The bytes of one state slot: 8 bytes magic, u32 LE sequence, u32 LE length, u32 LE CRC of sequence, length and body,
// the body: deflated JSON (a full set of kills and quarantines is 6 KB of text, mostly digests). No files here.
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { BelayError } from '../../shared/basics/errors.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import type { DurableState } from '../core/state.ts';
import { durableSchema, savedSchema } from './durable-schema.ts';

export const SLOT_BYTES = 4096;
const MAGIC = 'BELAYST1';
const HEADER_BYTES = 20;
export const BODY_BYTES_MAX = SLOT_BYTES - HEADER_BYTES;
/** Far above the largest state; a bound for the inflater. */
const JSON_BYTES_MAX = 64 * 1024;

/** Codes: `state-open` (the folder or its files), `state-write` (nothing was replaced), `state-too-large`. */
export class SlotsError extends BelayError {}

export type SlotContent =
  | { readonly kind: 'empty' }
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'good';
      readonly sequence: number;
      readonly durable: DurableState;
      readonly savedAtMs: number;
    };

/** The bytes of one slot. Throws SlotsError when the state does not fit: its parts are bounded so that it does. */
export function encodeSlot(sequence: number, durable: DurableState, savedAtMs = 0): Buffer {
  const whole = encodeBody({ ...durable, savedAtMs });
  const body = whole.length <= BODY_BYTES_MAX ? whole : encodeBody({ ...withoutReasons(durable), savedAtMs });
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
  const body = decodeBody(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
  return body === null ? { kind: 'lost' } : { kind: 'good', sequence: bytes.readUInt32LE(8), ...body };
}

type Body = { readonly durable: DurableState; readonly savedAtMs: number };

function encodeBody(body: DurableState & { readonly savedAtMs: number }): Buffer {
  return deflateRawSync(JSON.stringify(body));
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

function decodeBody(body: Uint8Array): Body | null {
  try {
    const text = inflateRawSync(body, { maxOutputLength: JSON_BYTES_MAX });
    const durable = parseJson(durableSchema, text);
    const saved = parseJson(savedSchema, text);
    return durable.ok ? { durable: durable.value, savedAtMs: saved.ok ? saved.value.savedAtMs : 0 } : null;
  } catch {
    // A body with a good CRC that does not inflate was written by something else: the slot is lost.
    return null;
  }
}

function checksum(slot: Buffer, length: number): number {
  return crc32(slot.subarray(HEADER_BYTES, HEADER_BYTES + length), crc32(slot.subarray(8, 16)));
}
