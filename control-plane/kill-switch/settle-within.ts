// Patience with a limit: what must not hold back a kill is waited for only so long.

/** Waits for the work, but not longer than this; the work goes on. The work itself must not throw. */
export async function settleWithin(work: Promise<void>, patienceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
