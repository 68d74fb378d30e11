// A release that comes and goes is held back in the end, whatever makes it do so, and a newer order lets it try again.
import { expect, it } from 'vitest';
import { blockedOf, reportOf } from '../../../agent/core/explain.ts';
import { TAKE_OVERS_MAX } from '../../../agent/core/take-overs.ts';
import { BASELINE, CANDIDATE, LeaseWorld, leasedOrder, TTL_MS } from './lease-world.ts';

/** Its lease lapses while nobody renews it, and is granted again. */
function flap(world: LeaseWorld): void {
  world.link(false);
  world.wait(2 * TTL_MS);
  expect(world.frame()).toBe(BASELINE);
  world.core.answer();
  world.link(true);
  world.answerNewest();
  world.core.answer();
}

it('holds at the baseline when a candidate has taken over more often than a device may switch', () => {
  const world = new LeaseWorld().ready();
  world.answerNewest();
  world.core.answer();
  for (let times = 1; times < TAKE_OVERS_MAX; times += 1) flap(world);
  expect(world.frame()).toBe(CANDIDATE);
  flap(world);
  const { state, nowMs } = world.core;
  expect(world.frame()).toBe(BASELINE);
  expect(blockedOf(state, nowMs)).toMatchObject([
    { kind: 'flapping', reason: expect.stringMatching(/15 times under/) },
  ]);
  world.wait(24 * 3_600_000);
  world.answerNewest();
  expect(world.frame()).toBe(BASELINE);
  expect(reportOf(world.core.state, world.core.nowMs).candidate?.state).toBe('suspended');
});

it('begins to count anew with a newer order', () => {
  const world = new LeaseWorld().ready();
  world.answerNewest();
  world.core.answer();
  for (let times = 1; times <= TAKE_OVERS_MAX; times += 1) flap(world);
  expect(world.frame()).toBe(BASELINE);
  world.core.answer();
  world.take(world.core.order(leasedOrder(2)));
  world.wait(5000).settle();
  world.answerNewest({ generation: 2 });
  expect(world.frame()).toBe(CANDIDATE);
  world.core.answer();
  expect(world.core.state.takeOvers).toMatchObject({ generation: 2, times: 1 });
});
