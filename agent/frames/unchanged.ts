// How long a camera has given the very same picture: an encoder that hangs repeats its last one for ever, and a real
// scene never looks the same twice. By a hash of its bytes, looked at now and then.
import { createHash } from 'node:crypto';

export class Unchanged {
  #hash = '';
  #sinceMs = 0;

  /** For how long, ms; 0 for a picture that is not the one of the last look. `nowMs` is monotonic. */
  look(picture: Uint8Array, nowMs: number): number {
    const hash = createHash('sha1').update(picture).digest('hex');
    if (hash !== this.#hash) {
      this.#hash = hash;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }
}
