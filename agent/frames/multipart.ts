// Cuts an HTTP body of the type multipart/x-mixed-replace into its parts, as cameras send it: with or without lengths,
// with quoted boundaries or ones that repeat their dashes, with bare line feeds. Every size has a limit. Pure.
import { ByteQueue } from './byte-queue.ts';
import { SourceError } from './camera-source.ts';
import { isWholeJpeg } from './jpeg-end.ts';

export type Part = {
  /** Lower case, without parameters; empty when the part does not say. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
};

/** A 48-megapixel JPEG of good quality takes 20 MB. */
export const PART_BYTES_MAX = 32 * 1024 * 1024;
/** Headers of a part are three short lines. */
const HEAD_BYTES_MAX = 16 * 1024;

/** The boundary of a Content-Type header; null when it is no multipart or names none. */
export function boundaryOf(contentType: string): string | null {
  if (!/^\s*multipart\//i.test(contentType)) return null;
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  // Many cameras put the dashes of the delimiter into its name.
  return boundary === undefined ? null : boundary.replace(/^--/, '');
}

type Head = { readonly contentType: string; readonly length: number | null };

export class MultipartReader {
  readonly #delimiter: Buffer;
  readonly #queue = new ByteQueue();
  #head: Head | null = null;
  /** The part at hand has been given out already; what is left of it is passed over. */
  #isGiven = false;
  /** Bytes of a part without a length that hold no delimiter. */
  #searched = 0;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`--${boundary}`);
  }

  /** Throws SourceError when a part or its headers have no end. */
  *push(chunk: Uint8Array): Generator<Part> {
    this.#queue.append(chunk);
    for (;;) {
      if (this.#head === null && !this.#readHead()) return;
      const head = this.#head;
      if (head === null) return;
      const bytes = head.length === null ? this.#takeToDelimiter(head) : this.#takeLength(head.length);
      if (bytes === null) return;
      if (bytes.length > 0) yield { contentType: head.contentType, bytes: Uint8Array.from(bytes) };
    }
  }

  /** Passes over everything up to the next delimiter, and reads the lines behind it. */
  #readHead(): boolean {
    const { bytes } = this.#queue;
    const start = bytes.indexOf(this.#delimiter);
    const from = start + this.#delimiter.length;
    const end = start < 0 ? null : endOfHead(bytes, from);
    if (end === null) {
      checkHead(bytes.length - Math.max(0, start));
      return false;
    }
    this.#head = readHead(bytes.toString('latin1', from, end));
    this.#queue.drop(end);
    this.#searched = 0;
    return true;
  }

  #takeLength(length: number): Buffer | null {
    if (length > PART_BYTES_MAX) throw tooLong(length);
    const { bytes } = this.#queue;
    if (bytes.length < length) return null;
    this.#queue.drop(length);
    this.#head = null;
    return bytes.subarray(0, length);
  }

  /** Null: not whole yet. A JPEG is whole with its end marker, so that it need not wait for the delimiter behind it. */
  #takeToDelimiter({ contentType }: Head): Buffer | null {
    const { bytes } = this.#queue;
    const end = bytes.indexOf(this.#delimiter, this.#searched);
    if (end < 0) {
      this.#searched = Math.max(0, bytes.length - this.#delimiter.length);
      if (bytes.length > PART_BYTES_MAX) throw tooLong(bytes.length);
      const isWhole = !this.#isGiven && contentType !== 'image/png' && isWholeJpeg(bytes);
      this.#isGiven ||= isWhole;
      return isWhole ? bytes : null;
    }
    const part = this.#isGiven ? NOTHING : withoutLineEnd(bytes.subarray(0, end));
    this.#queue.drop(end);
    this.#head = null;
    this.#isGiven = false;
    return part;
  }
}

const NOTHING = Buffer.alloc(0);

function checkHead(bytes: number): void {
  if (bytes > HEAD_BYTES_MAX)
    throw new SourceError(
      `the camera's stream holds ${HEAD_BYTES_MAX} bytes without the boundary and headers of a picture; check that the URL is an MJPEG stream`,
    );
}

function tooLong(bytes: number): SourceError {
  return new SourceError(
    `a picture of the camera has ${bytes} bytes, ${PART_BYTES_MAX} are allowed; lower its resolution or quality`,
  );
}

/** Behind the empty line; null when it has not come yet. */
function endOfHead(bytes: Buffer, from: number): number | null {
  const ends = ['\r\n\r\n', '\n\n'].map((line) => ({ at: bytes.indexOf(line, from, 'latin1'), length: line.length }));
  const found = ends.filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at)[0];
  return found === undefined ? null : found.at + found.length;
}

function readHead(text: string): Head {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*([^;\\r\\n]*)`, 'im').exec(text)?.[1]?.trim();
  const length = field('content-length');
  return {
    contentType: field('content-type')?.toLowerCase() ?? '',
    // A length that is no number, and 0 as some cameras say for "unknown", are none.
    length: length !== undefined && /^[1-9]\d{0,9}$/.test(length) ? Number(length) : null,
  };
}

function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
