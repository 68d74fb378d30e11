// A rate with a burst, in tokens. Told the time, it never reads a clock.

export type TokenBucket = {
  /** Takes one token; the answer is how long to wait until that token exists (0 = now). Debt adds up: calls queue. */
  take(nowMs: number): number;
  /** Takes one token only if it is there. */
  tryTake(nowMs: number): boolean;
  isFull(nowMs: number): boolean;
};

export function createTokenBucket(rate: { readonly burst: number; readonly perSecond: number }): TokenBucket {
  let tokens = rate.burst;
  let refilledAtMs: number | null = null;

  const refill = (nowMs: number): void => {
    const elapsedMs = refilledAtMs === null ? 0 : Math.max(0, nowMs - refilledAtMs);
    tokens = Math.min(rate.burst, tokens + (elapsedMs * rate.perSecond) / 1_000);
    refilledAtMs = nowMs;
  };
  return {
    take(nowMs) {
      refill(nowMs);
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens * 1_000) / rate.perSecond;
    },
    tryTake(nowMs) {
      refill(nowMs);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    isFull(nowMs) {
      refill(nowMs);
      return tokens >= rate.burst;
    },
  };
}
