// Tells how long the box was suspended. The monotonic clock stands still then, while the boot clock goes on: what must
// count real time, such as a lease, adds the difference. Frame latencies never see it.
import { uptime } from 'node:os';

export type SuspendWatchParts = {
  readonly monotonicNow: () => number;
  /** Seconds since the boot, suspended time included. */
  readonly uptimeS?: () => number;
};

/** Below this it may be the grain of the boot clock. */
const SLEPT_MS_MIN = 500;
/** The two clocks must be read together; a process that was stopped in between reads again. */
const READ_MS_MAX = 50;
const READS_MAX = 3;

/** Milliseconds suspended since the last call. */
export function openSuspendWatch({ monotonicNow, uptimeS = uptime }: SuspendWatchParts): () => number {
  const read = () => {
    for (let triesLeft = READS_MAX; ; triesLeft -= 1) {
      const beforeMs = monotonicNow();
      const bootMs = uptimeS() * 1000;
      const afterMs = monotonicNow();
      if (afterMs - beforeMs <= READ_MS_MAX || triesLeft === 0) return bootMs - afterMs;
    }
  };
  let aheadMs = read();
  return () => {
    const nowMs = read();
    const sleptMs = nowMs - aheadMs;
    if (Math.abs(sleptMs) < SLEPT_MS_MIN) return 0;
    aheadMs = nowMs;
    return Math.max(0, sleptMs);
  };
}
