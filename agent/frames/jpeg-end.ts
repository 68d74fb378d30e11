// Whether bytes are a whole JPEG, by its markers: a thumbnail inside the headers has an end of its own, which is not
// that of the picture. Pure.

const MARKER = 0xff;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const START_BYTES = 2;

export function isWholeJpeg(bytes: Uint8Array): boolean {
  const length = bytes.byteLength;
  if (bytes[length - 2] !== MARKER || bytes[length - 1] !== END_OF_IMAGE) return false;
  const scan = startOfScan(bytes);
  return scan !== null && scan < length - START_BYTES;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === MARKER && bytes[1] === START_OF_IMAGE;
}

/** From segment to segment, each with its length; null when there is no scan yet. */
function startOfScan(bytes: Uint8Array): number | null {
  if (!isJpeg(bytes)) return null;
  let at = START_BYTES;
  while (at + 3 < bytes.byteLength) {
    if (bytes[at] !== MARKER) return null;
    if (bytes[at + 1] === START_OF_SCAN) return at;
    // Fill bytes before a marker are allowed.
    at += bytes[at + 1] === MARKER ? 1 : START_BYTES + (bytes[at + 2] ?? 0) * 256 + (bytes[at + 3] ?? 0);
  }
  return null;
}
