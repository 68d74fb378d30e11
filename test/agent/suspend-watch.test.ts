// How long the box was suspended: the difference of two clocks, and nothing else that they may do.
import { uptime } from 'node:os';
import { expect, it } from 'vitest';
import { openSuspendWatch } from '../../agent/suspend-watch.ts';

class Clocks {
  monotonicMs = 5000;
  bootMs = 105_000;
  /** Time between two looks at the monotonic clock, as when the process is stopped while it reads. */
  readonly gaps: number[] = [];
  readonly monotonicNow = () => {
    this.#run(this.gaps.shift() ?? 0);
    return this.monotonicMs;
  };
  readonly uptimeS = () => Math.floor(this.bootMs / 10) / 100;

  run(ms: number): void {
    this.#run(ms);
  }

  suspend(ms: number): void {
    this.bootMs += ms;
  }

  #run(ms: number): void {
    this.monotonicMs += ms;
    this.bootMs += ms;
  }
}

it('tells what the monotonic clock has not counted, once', () => {
  const clocks = new Clocks();
  const sleptMs = openSuspendWatch(clocks);
  clocks.run(3_600_000);
  expect(sleptMs()).toBe(0);
  clocks.suspend(90_000);
  clocks.run(1234);
  expect(sleptMs()).toBeCloseTo(90_000, -2);
  expect(sleptMs()).toBe(0);
});

it('takes a process that was stopped for a process that was stopped', () => {
  const clocks = new Clocks();
  const sleptMs = openSuspendWatch(clocks);
  clocks.gaps.push(0, 60_000);
  expect(sleptMs()).toBe(0);
  clocks.run(60_000);
  expect(sleptMs()).toBe(0);
});

it('never gives time back', () => {
  const clocks = new Clocks();
  const sleptMs = openSuspendWatch(clocks);
  clocks.suspend(-5000);
  expect(sleptMs()).toBe(0);
  clocks.suspend(2000);
  expect(sleptMs()).toBeCloseTo(2000, -2);
});

it('agrees with this machine, which is awake', () => {
  const monotonicNow = () => Number(process.hrtime.bigint()) / 1e6;
  const sleptMs = openSuspendWatch({ monotonicNow });
  for (let look = 0; look < 100; look += 1) expect(sleptMs()).toBe(0);
  expect(uptime()).toBeGreaterThan(0);
});
