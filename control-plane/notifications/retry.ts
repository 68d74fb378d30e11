// When a delivery that failed is tried again. Pure: chance comes in as a number from 0 to 1.

/** As Standard Webhooks advise: ten attempts in three days, then it is dead until somebody asks for it again. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
  24 * 3_600_000,
];

/** So that receivers that come back are not met by everything at once. */
const JITTER = 0.2;
/** A receiver may ask for patience, within reason. */
const RETRY_AFTER_MS_MAX = 3_600_000;

/** Milliseconds until attempt `tries + 1`; null: there is none. */
export function retryDelayMs(
  tries: number,
  { delaysMs, chance, retryAfterMs }: { delaysMs: readonly number[]; chance: number; retryAfterMs: number | null },
): number | null {
  const delayMs = delaysMs[tries - 1];
  if (delayMs === undefined) return null;
  const jittered = delayMs * (1 - JITTER + 2 * JITTER * chance);
  return Math.round(Math.max(jittered, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX)));
}
