// One slot file on disk: preallocated once, then only rewritten in place. On a file system that is read-only it is read,
// and every write tries again whether that is over.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSlot, SLOT_BYTES, type SlotContent } from './slot-codec.ts';

export class SlotFile {
  readonly name: string;
  readonly #path: string;
  #file: number | null = null;
  #isWritable = false;
  /** Why it cannot even be read; null when it can. */
  readonly fault: unknown = null;

  constructor(folder: string, name: string) {
    this.name = name;
    this.#path = join(folder, name);
    try {
      this.#openForWriting();
    } catch (error) {
      this.fault = this.#openForReading() ? null : error;
    }
  }

  read(): SlotContent {
    if (this.#file === null) return { kind: 'empty' };
    const slot = Buffer.alloc(SLOT_BYTES);
    try {
      return decodeSlot(slot.subarray(0, readSync(this.#file, slot, 0, SLOT_BYTES, 0)));
    } catch {
      // A block that the disk cannot read is a slot that is lost.
      return { kind: 'lost' };
    }
  }

  /** Durable when it returns; throws what the disk says. */
  write(slot: Uint8Array): void {
    if (!this.#isWritable) this.#openForWriting();
    if (this.#file === null) throw new Error('it is not open');
    if (writeSync(this.#file, slot, 0, SLOT_BYTES, 0) !== SLOT_BYTES) throw new Error('short write');
    fsyncSync(this.#file);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #openForWriting(): void {
    const file = openOrMake(this.#path);
    this.close();
    this.#file = file;
    this.#isWritable = true;
    // Real bytes, not a hole: the space is taken now, so that a full disk cannot refuse it later. A file that lost its
    // bytes in a power cut is made whole again; when the disk is full just then, the next write says so.
    if (fstatSync(file).size >= SLOT_BYTES) return;
    writeSync(file, Buffer.alloc(SLOT_BYTES), 0, SLOT_BYTES, 0);
    fsyncSync(file);
    syncFolderOf(this.#path);
  }

  #openForReading(): boolean {
    try {
      this.#file ??= openSync(this.#path, 'r');
      return true;
    } catch {
      return false;
    }
  }
}

export function openSlotFile(folder: string, name: string): SlotFile {
  return new SlotFile(folder, name);
}

function openOrMake(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'w+');
  }
}

function syncFolderOf(path: string): void {
  const folder = openSync(join(path, '..'), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
