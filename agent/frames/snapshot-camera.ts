// An HTTP camera that gives one picture a request. A picture that the camera calls the same is no new frame; a request
// that fails now and then is no loss, a few in a row are.

import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/basics/errors.ts';
import type { LiveSource, SourceError } from './camera-source.ts';
import { failure, HttpAccess } from './http-access.ts';
import type { LiveCamera, LiveFeed } from './live-camera.ts';
import { isPicture } from './mjpeg-camera.ts';
import { PART_BYTES_MAX } from './multipart.ts';

type SnapshotSource = Extract<LiveSource, { kind: 'snapshots' }>;

const PICTURE_MS_MAX = 10_000;
const FAILURES_MAX = 3;
/** Some cameras say nothing of what they send, or that it is bytes. */
const PICTURE_TYPE = /^(image\/.*|application\/octet-stream.*|)$/i;
/** Last-Modified counts whole seconds: for a faster camera it cannot tell two pictures apart. */
const DATED_FPS_MAX = 1;

type Known = { readonly etag: string | null; readonly modified: string | null; readonly bytes: Uint8Array };

export function openSnapshotCamera(source: SnapshotSource): LiveCamera {
  return new SnapshotCamera(source);
}

class SnapshotCamera implements LiveCamera {
  readonly #source: SnapshotSource;
  readonly #intervalMs: number;
  #access: HttpAccess | null = null;
  #known: Known | null = null;
  #isClosed = false;

  constructor(source: SnapshotSource) {
    this.#source = source;
    this.#intervalMs = 1000 / source.fps;
  }

  async play(feed: LiveFeed): Promise<void> {
    const access = new HttpAccess(this.#source);
    this.#access = access;
    let failures = 0;
    for (let dueAt = performance.now(); !this.#isClosed; dueAt = this.#nextAfter(dueAt)) {
      await delay(Math.max(0, dueAt - performance.now()));
      try {
        const picture = await this.#fetch(access);
        if (picture === null) feed.unchanged();
        else feed.picture({ bytes: picture });
        failures = 0;
      } catch (error) {
        failures += 1;
        // A camera that has never answered is told at once.
        if (this.#known === null || failures >= FAILURES_MAX) throw error;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#access?.close();
  }

  /** Of what could not be asked in time nothing is caught up: the camera would give the same picture twice. */
  #nextAfter(dueAt: number): number {
    const late = Math.floor((performance.now() - dueAt) / this.#intervalMs);
    return dueAt + this.#intervalMs * Math.max(1, late + 1);
  }

  /** Null: the same picture as before. */
  async #fetch(access: HttpAccess): Promise<Uint8Array | null> {
    const response = await access.get(this.#conditions());
    if (response.statusCode === 304) {
      response.resume();
      return null;
    }
    const bytes = await this.#body(response);
    const known = this.#known;
    const etag = response.headers.etag ?? null;
    const modified = response.headers['last-modified'] ?? null;
    this.#known = { etag, modified, bytes };
    if (known === null) return bytes;
    if (etag !== null && etag === known.etag) return null;
    const isSameDate = modified !== null && modified === known.modified;
    return isSameDate && Buffer.compare(bytes, known.bytes) === 0 ? null : bytes;
  }

  #conditions(): Readonly<Record<string, string>> {
    const { etag, modified } = this.#known ?? { etag: null, modified: null };
    if (etag !== null) return { 'If-None-Match': etag };
    return modified !== null && this.#source.fps <= DATED_FPS_MAX ? { 'If-Modified-Since': modified } : {};
  }

  async #body(response: IncomingMessage): Promise<Uint8Array> {
    const contentType = response.headers['content-type'] ?? '';
    if (!PICTURE_TYPE.test(contentType)) throw this.#notPicture(contentType);
    const timer = setTimeout(() => response.destroy(new Error('it did not end in time')), PICTURE_MS_MAX);
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of response as AsyncIterable<Uint8Array>) {
        chunks.push(chunk);
        length += chunk.byteLength;
        if (length > PART_BYTES_MAX) throw new Error(`more than ${PART_BYTES_MAX} bytes`);
      }
    } catch (error) {
      response.destroy();
      throw this.#wrong(`the picture broke off: ${describeError(error)}`);
    } finally {
      clearTimeout(timer);
    }
    const bytes = Buffer.concat(chunks);
    if (!isPicture(bytes)) throw this.#notPicture(contentType);
    return bytes;
  }

  #notPicture(contentType: string): SourceError {
    const advice = /^multipart\//i.test(contentType) ? 'use the kind "mjpeg" for a stream' : 'check the URL';
    return this.#wrong(`it gives "${contentType}", no JPEG or PNG; ${advice}`);
  }

  #wrong(what: string): SourceError {
    return failure(new URL(this.#source.url), what);
  }
}
