// When the service may call itself started. Pure. A device without a camera is a device that has started: what waits for
// it must not wait for a plug. A device that cannot answer at all has started too, and says so: it listens for a release
// that can, and starting it again would only begin the download anew.

export type ReadinessFacts = {
  readonly sinceStartMs: number;
  readonly answered: number;
  /** A release is loaded and would answer. */
  readonly isServing: boolean;
};

/** Frames of a slow line come seconds apart. */
const FRAMES_WAIT_MS = 10_000;
/** Loading a model may take minutes on a small board, its first answer is what counts; TimeoutStartSec must be longer. */
const START_MS_MAX = 90_000;

/** Why it counts as started; null: not yet. */
export function readyBecause({ sinceStartMs, answered, isServing }: ReadinessFacts): string | null {
  if (answered > 0) return 'the first frame is answered';
  if (isServing && sinceStartMs >= FRAMES_WAIT_MS) return 'the baseline is loaded; no camera gives frames';
  if (sinceStartMs >= START_MS_MAX) return 'no release answers yet; waiting for one that can';
  return null;
}
