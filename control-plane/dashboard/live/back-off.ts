// How long to wait before trying again: longer each time, and never all browsers at once.

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/** `attempt` counts from 0; `chance` from 0 to 1. Between half and all of what the attempt allows. */
export function backOffMs(attempt: number, chance: number): number {
  const allowed = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(allowed * (0.5 + chance / 2));
}
