// The loop: ticks by itself, at once when woken, one at a time, and survives a tick that fails.
import { describe, expect, it, vi } from 'vitest';
import { startRolloutLoop } from '../../../control-plane/rollout-loop.ts';

const log = { error: vi.fn() };

describe('startRolloutLoop', () => {
  it('ticks again and again, also after a failure, which it logs with its causes', async () => {
    let ticks = 0;
    const tick = async () => {
      ticks += 1;
      if (ticks === 1) throw new AggregateError([new Error('disk')], 'one rollout could not be decided on');
    };
    const loop = startRolloutLoop({ rollouts: { tick }, tickMs: 5, wallNow: () => 1, log });
    await vi.waitFor(() => expect(ticks).toBeGreaterThan(2));
    await loop.close();
    expect(log.error).toHaveBeenCalledWith(expect.objectContaining({ causes: ['disk'] }), expect.any(String));
    const ended = ticks;
    loop.wake();
    expect(ticks).toBe(ended);
  });

  it('ticks at once when woken, and never twice at the same time', async () => {
    let running = 0;
    let most = 0;
    let ticks = 0;
    let release = () => {};
    const tick = async () => {
      running += 1;
      most = Math.max(most, running);
      ticks += 1;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      running -= 1;
    };
    const loop = startRolloutLoop({ rollouts: { tick }, tickMs: 60_000, wallNow: () => 1, log });
    loop.wake();
    await vi.waitFor(() => expect(ticks).toBe(1));
    loop.wake();
    loop.wake();
    release();
    await vi.waitFor(() => expect(ticks).toBe(2));
    expect(most).toBe(1);
    const closed = loop.close();
    release();
    await closed;
    expect(ticks).toBe(2);
  });
});
