// Room that is taken while there is some: the spool's file grows only here, in pieces that are written out and
// checkpointed before they count, and is pinned to its size otherwise. So on a disk that others have filled to the last
// byte the pages that are free inside the file, and a write-ahead log that never needs to grow, still take safety events.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SpoolDatabase } from './spool-schema.ts';

const MEBIBYTE = 1024 * 1024;
/** Free pages inside the file that are aimed at: some 3,000 safety events. */
const RESERVE_BYTES = 2 * MEBIBYTE;
const RESERVE_BYTES_MIN = 64 * 1024;
/** One piece of growth; the log shrinks to `journal_size_limit` after it. */
const PIECE_BYTES = MEBIBYTE;
/** As many as make a reserve, and one that a disk refuses. */
const PIECES_MAX = 3;
/** A smaller one for what must be stored although the disk is nearly full, and how many times that must be free. */
const URGENT_PIECE_BYTES = MEBIBYTE / 4;
const URGENT_FREE_TIMES = 4;
/** On a disk with less than this free (a twentieth of a small disk) the spool makes do with the file as it is. */
const MARGIN_BYTES = 32 * MEBIBYTE;
/** What the pages of a full spool may take beyond the bytes of its documents. */
const OVERHEAD = 1.5;

export type ReserveOptions = {
  readonly database: SpoolDatabase;
  /** Null: in memory, where nothing is reserved. */
  readonly path: string | null;
  readonly bytesMax: number;
};

export class SpoolReserve {
  readonly #database: SpoolDatabase;
  readonly #path: string | null;
  readonly #pageBytes: number;
  readonly #reserveBytes: number;
  readonly #bytesMax: number;

  constructor({ database, path, bytesMax }: ReserveOptions) {
    this.#database = database;
    this.#path = path;
    this.#pageBytes = this.#ask('page_size');
    this.#reserveBytes = Math.min(RESERVE_BYTES, Math.max(RESERVE_BYTES_MIN, bytesMax / 4));
    this.#bytesMax = bytesMax * OVERHEAD + 2 * this.#reserveBytes;
    this.#pin();
  }

  /** Grows the file until its reserve is whole, while the disk has room. Cheap when there is nothing to do. */
  prepare(): void {
    if (this.#path === null) return;
    for (let piece = 0; piece < PIECES_MAX && this.#freeInside() < this.#reserveBytes; piece += 1) {
      if (this.isTight()) return;
      this.#grow(PIECE_BYTES);
    }
  }

  /** After a refusal for want of room: brings the log into the file, whose place it can then use again, and grows it. */
  relieve(isUrgent: boolean): void {
    if (this.#path === null) return;
    this.#checkpoint();
    const { freeBytes } = this.#disk();
    const mayGrow = isUrgent ? freeBytes > URGENT_PIECE_BYTES * URGENT_FREE_TIMES : !this.isTight();
    const pieceBytes = isUrgent ? URGENT_PIECE_BYTES : PIECE_BYTES;
    // With free pages inside, it was not the file that had no room.
    if (mayGrow && this.#freeInside() < pieceBytes) this.#grow(pieceBytes);
  }

  /** The disk has no room to spare. */
  isTight(): boolean {
    if (this.#path === null) return false;
    const { freeBytes, allBytes } = this.#disk();
    return freeBytes < Math.min(MARGIN_BYTES, allBytes / 20);
  }

  /** With `bytes` more, would the free pages be fewer than safety events shall find? */
  isShortFor(bytes: number): boolean {
    return this.#freeInside() - bytes < this.#reserveBytes / 2;
  }

  #grow(pieceBytes: number): void {
    const bytes = Math.min(pieceBytes, this.#reserveBytes);
    if (this.#size() + bytes > this.#bytesMax) return;
    try {
      this.#database.pragma(`max_page_count = ${Math.ceil((this.#size() + 2 * bytes) / this.#pageBytes)}`);
      // Filled, brought into the file, then let go: pages that were never written would be a hole, which reserves nothing.
      // What is free inside is filled first, hence the sum.
      this.#database.exec(`INSERT INTO filler VALUES (zeroblob(${this.#freeInside() + bytes}))`);
      this.#checkpoint();
    } catch {
      // The disk became full this very moment; whoever asked goes on without.
    } finally {
      this.#letGo();
      this.#pin();
    }
  }

  #checkpoint(): void {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
    } catch {
      // What is in the log stays there; it is durable where it is.
    }
  }

  #letGo(): void {
    try {
      this.#database.exec('DELETE FROM filler');
    } catch {
      // Let go at the next opening.
    }
  }

  #pin(): void {
    if (this.#path !== null) this.#database.pragma(`max_page_count = ${this.#ask('page_count')}`);
  }

  #disk(): { readonly freeBytes: number; readonly allBytes: number } {
    const { bavail, blocks, bsize } = statfsSync(dirname(this.#path ?? '/'));
    return { freeBytes: bavail * bsize, allBytes: blocks * bsize };
  }

  #size(): number {
    return this.#ask('page_count') * this.#pageBytes;
  }

  #freeInside(): number {
    return this.#ask('freelist_count') * this.#pageBytes;
  }

  #ask(pragma: string): number {
    return Number(this.#database.pragma(pragma, { simple: true }));
  }
}
