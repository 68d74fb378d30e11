// What a step leaves behind when it is over: nothing, although it was allowed hours.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { openSteps, type StepParts } from '../../agent/steps.ts';

const STEPS = 50;

/** Of all signals that fetches were given, those that are still there. */
async function signalsLeftAfter(steps: number): Promise<number> {
  const given: WeakRef<AbortSignal>[] = [];
  const fetch = async (_digest: string, signal: AbortSignal) => {
    given.push(new WeakRef(signal));
    signal.addEventListener('abort', () => given.length, { once: true });
    return { kind: 'failed', failure: 'unreachable', reason: 'no network', isFinal: false };
  };
  const over = Promise.withResolvers<void>();
  let count = 0;
  const send = () => {
    count += 1;
    if (count === steps) over.resolve();
  };
  const { carryOut } = openSteps({ artifacts: { fetch }, send } as unknown as StepParts);
  for (let n = 0; n < steps; n += 1) {
    const ref = { release: 'model@1.0.0', digest: String(n).padStart(64, '0') };
    carryOut({ kind: 'fetch', ref, from: 'anywhere' });
  }
  await over.promise;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // A WeakRef holds what it refers to until the end of the turn of the event loop in which it was looked at.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  return given.filter((signal) => signal.deref() !== undefined).length;
}

describe('openSteps', () => {
  it('keeps nothing of steps that are over', async () => {
    expect(await signalsLeftAfter(STEPS)).toBeLessThan(STEPS / 10);
  });
});
