// Cuts a stream of PPM pictures (P6, eight bits) into pictures: what ffmpeg writes when it is asked for bare pixels that
// say their own size. Every byte is copied once, into the picture that it belongs to.
import { SourceError } from './camera-source.ts';
import { PICTURE_PIXELS_MAX, type Picture } from './preprocess.ts';

/** `P6\n99999 99999\n255\n` is 19 bytes. */
const HEADER_BYTES_MAX = 32;
const HEADER = /^P6\s(\d{1,5})\s(\d{1,5})\s255\s$/;

type Filling = { readonly picture: Required<Picture>; filled: number };

export class PpmReader {
  #header = '';
  #filling: Filling | null = null;

  /** Throws SourceError when the bytes are no PPM, or when a picture is larger than any camera's. */
  *push(chunk: Uint8Array): Generator<Picture> {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#filling === null) {
        at = this.#readHeader(chunk, at);
        continue;
      }
      const { picture, filled } = this.#filling;
      const part = chunk.subarray(at, at + picture.bytes.byteLength - filled);
      picture.bytes.set(part, filled);
      this.#filling.filled += part.byteLength;
      at += part.byteLength;
      if (this.#filling.filled < picture.bytes.byteLength) continue;
      this.#filling = null;
      yield picture;
    }
  }

  /** Reads to the end of the header or of the chunk; gives the place behind what it read. */
  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.byteLength && this.#filling === null) {
      this.#header += String.fromCharCode(chunk[at] ?? 0);
      at += 1;
      const size = HEADER.exec(this.#header);
      if (size !== null) this.#begin(Number(size[1]), Number(size[2]));
      else if (this.#header.length >= HEADER_BYTES_MAX)
        throw new SourceError('reading the pictures of ffmpeg: what comes is no PPM; check the version of ffmpeg');
    }
    return at;
  }

  #begin(width: number, height: number): void {
    this.#header = '';
    if (width * height === 0 || width * height > PICTURE_PIXELS_MAX)
      throw new SourceError(
        `reading the pictures of ffmpeg: ${width} × ${height} px are more than ${PICTURE_PIXELS_MAX}; lower the camera's resolution`,
      );
    const bytes = Buffer.allocUnsafeSlow(width * height * 3);
    this.#filling = { picture: { bytes, raw: { width, height, channels: 3 } }, filled: 0 };
  }
}
