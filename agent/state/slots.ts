// The state that a device needs to boot safely: two preallocated 4 KB slots, rewritten in place by turns (sequence,
// CRC-32, fsync). No rename and no growth, so it works on a full disk; a torn slot loses to the other one.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DurableState } from '../core/state.ts';
import { decodeSlot, encodeSlot, type SlotContent, SlotsError } from './slot-codec.ts';
import { openSlotFile, type SlotFile } from './slot-file.ts';

const NAMES = ['state.a', 'state.b'] as const;

export type SlotReading = {
  /** Null: neither slot can be read. */
  readonly durable: DurableState | null;
  readonly found: 'fresh' | 'whole' | 'one-lost' | 'both-lost';
  /** Wall clock when the newest state was written; 0 when nobody knows. */
  readonly savedAtMs: number;
};

/** The two slot files of one data folder. One process at a time. */
export class Slots {
  readonly #files: readonly [SlotFile, SlotFile];
  readonly #wallNow: () => number;
  readonly reading: SlotReading;
  #sequence: number;
  #next: 0 | 1;
  #kept: DurableState | null;
  #fault: string | null = null;

  constructor(files: readonly [SlotFile, SlotFile], wallNow: () => number) {
    this.#files = files;
    this.#wallNow = wallNow;
    const slots = files.map((file) => file.read());
    const [a, b] = slots;
    this.reading = judge(slots);
    this.#kept = this.reading.durable;
    const sequenceA = a?.kind === 'good' ? a.sequence : -1;
    const sequenceB = b?.kind === 'good' ? b.sequence : -1;
    this.#sequence = Math.max(sequenceA, sequenceB, 0);
    this.#next = sequenceA >= sequenceB && sequenceA >= 0 ? 1 : 0;
  }

  /** Why the newest write was refused; null when it was not. */
  get fault(): string | null {
    return this.#fault;
  }

  /** Durable when it returns. On any fault the last good state stays in the other slot. */
  write(durable: DurableState): void {
    const slot = encodeSlot(this.#sequence + 1, durable, Math.max(0, Math.round(this.#wallNow())));
    const file = this.#files[this.#next];
    try {
      file.write(slot);
    } catch (error) {
      const message = `writing the state slot ${file.name}: ${(error as Error).message}; check the disk of this device`;
      this.#fault = message;
      throw new SlotsError('state-write', message, { cause: error });
    }
    this.#fault = null;
    this.#kept = durable;
    this.#sequence += 1;
    this.#next = this.#next === 0 ? 1 : 0;
  }

  /** Writes what is there once more, for its date. Throws as `write` does. */
  touch(): void {
    if (this.#kept !== null) this.write(this.#kept);
  }

  close(): void {
    for (const file of this.#files) file.close();
  }
}

/**
 * Opens (and on a first start preallocates) the slots in `dataDir`. A disk that cannot be written is read; each write
 * says so then, and works again when the disk does. Throws SlotsError when there is nothing to read either.
 */
export function openSlots(dataDir: string, wallNow: () => number = Date.now): Slots {
  try {
    mkdirSync(dataDir, { recursive: true });
    const [a, b] = [openSlotFile(dataDir, NAMES[0]), openSlotFile(dataDir, NAMES[1])];
    const fault = a.fault !== null && b.fault !== null ? a.fault : null;
    if (fault !== null) throw fault;
    return new Slots([a, b], wallNow);
  } catch (error) {
    const message = `opening the state slots in ${dataDir}: ${(error as Error).message}; the agent must be able to write there`;
    throw new SlotsError('state-open', message, { cause: error });
  }
}

/** Reads the slots without ever writing: for looking at a device whose agent runs. */
export function readSlots(dataDir: string): SlotReading {
  return judge(NAMES.map((name) => decodeSlot(readFileSync(join(dataDir, name)))));
}

function judge(slots: readonly SlotContent[]): SlotReading {
  const good = slots.filter((slot) => slot.kind === 'good').sort((a, b) => b.sequence - a.sequence);
  const isAllEmpty = slots.every((slot) => slot.kind === 'empty');
  const { durable = null, savedAtMs = 0 } = good[0] ?? {};
  if (durable === null) return { durable, found: isAllEmpty ? 'fresh' : 'both-lost', savedAtMs };
  return { durable, found: slots.some((slot) => slot.kind === 'lost') ? 'one-lost' : 'whole', savedAtMs };
}
