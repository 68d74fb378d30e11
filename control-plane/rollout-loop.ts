// Ticks the rollouts: every `tickMs`, and at once when woken. Level-triggered: a wake-up carries no news, a tick reads everything
// afresh, one runs at a time, and a failed one is simply followed by the next.
import type { Logger } from 'pino';
import { describeError } from '../shared/basics/errors.ts';

export type RolloutLoop = {
  /** Tick soon; calls while one is due are one. */
  wake(): void;
  /** Waits for the tick in progress. */
  close(): Promise<void>;
};

export type RolloutLoopParts = {
  readonly rollouts: { tick(nowMs: number): Promise<void> };
  readonly tickMs: number;
  readonly wallNow: () => number;
  readonly log: Pick<Logger, 'error'>;
};

export function startRolloutLoop(parts: RolloutLoopParts): RolloutLoop {
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let isAwake = false;
  let running: Promise<void> = Promise.resolve();

  const schedule = (afterMs: number): void => {
    if (isClosed) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(run, afterMs);
  };
  const run = (): void => {
    timer = null;
    isAwake = false;
    running = tick(parts).finally(() => schedule(isAwake ? 0 : parts.tickMs));
  };
  schedule(parts.tickMs);
  return {
    wake: () => {
      isAwake = true;
      // While a tick runs no timer is set; its end looks at isAwake.
      if (timer) schedule(0);
    },
    close: async () => {
      isClosed = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}

async function tick({ rollouts, wallNow, log }: RolloutLoopParts): Promise<void> {
  try {
    await rollouts.tick(wallNow());
  } catch (error) {
    const causes = error instanceof AggregateError ? error.errors.map(describeError) : [];
    log.error({ error: describeError(error), causes }, 'rollouts were not decided on; the next tick tries again');
  }
}
