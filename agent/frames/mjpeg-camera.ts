// An HTTP camera that sends picture after picture in one answer (MJPEG). When the answer ends, however that came about,
// the camera is lost.
import { describeError } from '../../shared/basics/errors.ts';
import { type LiveSource, SourceError } from './camera-source.ts';
import { failure, HttpAccess } from './http-access.ts';
import { isJpeg } from './jpeg-end.ts';
import type { LiveCamera, LiveFeed } from './live-camera.ts';
import { boundaryOf, MultipartReader, type Part } from './multipart.ts';

type MjpegSource = Extract<LiveSource, { kind: 'mjpeg' }>;

/** Some cameras mix parts with news of other kinds between the pictures; a stream of nothing else is no camera. */
const OTHER_PARTS_MAX = 100;

export function openMjpegCamera(source: MjpegSource): LiveCamera {
  return new MjpegCamera(source);
}

class MjpegCamera implements LiveCamera {
  readonly #source: MjpegSource;
  #access: HttpAccess | null = null;
  #others = 0;
  #partOfSecond = Number.NaN;

  constructor(source: MjpegSource) {
    this.#source = source;
  }

  async play(feed: LiveFeed): Promise<void> {
    this.#access = new HttpAccess(this.#source);
    const response = await this.#access.get();
    const contentType = response.headers['content-type'] ?? '';
    const boundary = boundaryOf(contentType);
    if (boundary === null) throw this.#wrong(`gives "${contentType}", no multipart stream; ${adviceFor(contentType)}`);
    const reader = new MultipartReader(boundary);
    try {
      for await (const chunk of response) for (const part of reader.push(chunk as Uint8Array)) this.#hear(part, feed);
    } catch (error) {
      if (error instanceof SourceError) throw error;
      throw this.#wrong(`the stream broke off (${describeError(error)})`);
    }
    throw this.#wrong('the camera closed its stream');
  }

  close(): void {
    this.#access?.close();
  }

  #hear({ contentType, bytes }: Part, feed: LiveFeed): void {
    if (isPicture(bytes)) {
      this.#others = 0;
      if (this.#isWanted(performance.now())) feed.picture({ bytes });
      return;
    }
    this.#others += 1;
    if (this.#others > OTHER_PARTS_MAX)
      throw this.#wrong(`${this.#others} parts in a row were no JPEG or PNG (the last says "${contentType}")`);
  }

  /** The first picture of each of `fps` parts of a second. */
  #isWanted(nowMs: number): boolean {
    const { fps } = this.#source;
    if (fps === null) return true;
    const part = Math.floor((nowMs * fps) / 1000);
    const isWanted = part !== this.#partOfSecond;
    this.#partOfSecond = part;
    return isWanted;
  }

  #wrong(what: string): SourceError {
    return failure(new URL(this.#source.url), what);
  }
}

export function isPicture(bytes: Uint8Array): boolean {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47;
  return isJpeg(bytes) || isPng;
}

function adviceFor(contentType: string): string {
  return /^image\//i.test(contentType) ? 'use the kind "snapshots" for single pictures' : 'check the URL';
}
