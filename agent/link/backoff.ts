// How long to wait before the next connection: full jitter, so that a fleet does not come back all at once. Pure.

export type BackoffTiming = {
  readonly baseMs: number;
  readonly capMs: number;
};

/** `failures` in a row so far, 0 = none; `chance` in [0, 1). */
export function backoffMs(failures: number, chance: number, timing: BackoffTiming): number {
  // Past 30 doublings every cap is reached; more would overflow into infinity.
  const ceilingMs = Math.min(timing.capMs, timing.baseMs * 2 ** Math.min(failures, 30));
  return Math.floor(chance * ceilingMs);
}
