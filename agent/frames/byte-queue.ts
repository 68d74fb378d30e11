// Bytes that come in pieces and are taken from the front: grows by doubling, so that a large picture in small pieces
// costs no more than twice its bytes of copying.

const BYTES_MIN = 64 * 1024;

export class ByteQueue {
  #store = Buffer.allocUnsafeSlow(BYTES_MIN);
  #start = 0;
  #end = 0;

  /** What is there; good until the next append. */
  get bytes(): Buffer {
    return this.#store.subarray(this.#start, this.#end);
  }

  append(chunk: Uint8Array): void {
    this.#makeRoom(chunk.byteLength);
    this.#store.set(chunk, this.#end);
    this.#end += chunk.byteLength;
  }

  /** Takes so many bytes off the front. */
  drop(count: number): void {
    this.#start = Math.min(this.#end, this.#start + count);
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.#store.byteLength) return;
    const kept = this.bytes;
    const wanted = kept.byteLength + count;
    const isRoomy = wanted * 2 <= this.#store.byteLength;
    const store = isRoomy ? this.#store : Buffer.allocUnsafeSlow(Math.max(BYTES_MIN, wanted * 2));
    kept.copy(store, 0);
    this.#store = store;
    this.#start = 0;
    this.#end = kept.byteLength;
  }
}
