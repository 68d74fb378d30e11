// Memory of pictures and frames, given back when it has been read: V8 counts them as a few bytes each, so it looks for their
// garbage when megabytes of it lie about, and what the C library has handed out by then it keeps in pieces.

/** Frees the memory of bytes that nobody reads any more; they are empty afterwards. Bytes of a larger block stay as they are. */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0);
}
