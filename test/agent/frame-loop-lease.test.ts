// Frames under a lease: every frame and every answer is asked for afresh, also the first ones after a sleep.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { documentDigestOf, ref } from './core/core-world.ts';
import { leasedOrder } from './core/lease-world.ts';
import { FrameWorld } from './frame-world.ts';

const TTL_MS = 60_000;

let world: FrameWorld;

beforeEach(() => {
  vi.useFakeTimers();
  world = new FrameWorld();
  world.control.send({ kind: 'link', isUp: true });
  const document = leasedOrder(1);
  world.control.send({ kind: 'desired', document, documentDigest: documentDigestOf(document) });
  grant();
  expect(world.control.state().serving.kind).toBe('candidate');
});
afterEach(() => {
  vi.useRealTimers();
});

/** As if the control plane had answered the newest hello. */
function grant(): void {
  const { boot, leases } = world.control.state();
  const place = { v: 1 as const, site: 'site-a', device: 'device-1', generation: 1, issuedAtMs: 1 };
  const { digest } = ref('c');
  world.control.send({ kind: 'lease', document: { ...place, boot, nonce: leases.nonce, digest, ttlMs: TTL_MS } });
}

/** The process does not run: time passes and no timer fires. */
function sleep(ms: number): void {
  world.nowMs += ms;
}

describe('an answer of a candidate', () => {
  it('is published while its lease runs', () => {
    world.frame();
    world.wait(10);
    world.runner('c').answer();
    expect(world.said()).toBe('c1');
  });

  it('is not published when its lease has run out on the way: the baseline answers that frame', () => {
    const seq = world.frame();
    sleep(TTL_MS);
    world.runner('c').answer();
    expect(world.said()).toBe('');
    world.runner('b').answer();
    expect(world.said()).toBe('b1');
    expect(world.released).toEqual([seq]);
    expect(world.events.map(({ kind }) => kind)).toContain('lease-lapsed');
    expect(world.events.map(({ kind }) => kind)).not.toContain('reverted');
    expect(world.lost()).toBe('');
  });

  it('is not published after the box was suspended, though the monotonic clock has hardly moved', () => {
    world.frame();
    world.suspendedMs = TTL_MS;
    world.runner('c').answer();
    world.runner('b').answer();
    expect(world.said()).toBe('b1');
    expect(world.answers[0]?.latency_ms).toBeLessThan(100);
  });

  it('rescues every frame that it holds, and the ones that came in meanwhile', () => {
    world.frame();
    world.frame();
    sleep(TTL_MS);
    world.frame();
    world.runner('c').answer();
    world.runner('c').answer();
    for (let answer = 0; answer < 3; answer += 1) world.runner('b').answer();
    expect(world.said()).not.toContain('c');
    expect(world.said().split(' ')).toHaveLength(3);
  });
});

describe('a runner whose supervisor slept', () => {
  it('is not blamed for deadlines that passed meanwhile, and its answer counts while the lease runs', () => {
    for (let time = 0; time < 4; time += 1) {
      world.frame();
      world.sleep(8000);
      world.runner('c').answer();
    }
    expect(world.said()).toBe('c1 c2 c3 c4');
    expect(world.events.map(({ kind }) => kind)).not.toContain('breach');
    expect(world.lost()).toBe('');
  });

  it('is blamed when it does not answer a supervisor that is awake', () => {
    world.frame();
    world.sleep(8000);
    world.wait(20_000);
    expect(world.lost()).toContain('c1 deadline');
  });
});

describe('the first frame after a sleep', () => {
  it('goes to the baseline, before any timer has fired', () => {
    sleep(TTL_MS);
    world.frame();
    world.runner('c').answer();
    world.runner('b').answer();
    expect(world.said()).toBe('b1');
  });

  it('goes to the candidate again once a new lease is there, and no answer of before is published', () => {
    world.frame();
    sleep(TTL_MS);
    world.frame();
    world.control.send({ kind: 'tick' });
    grant();
    world.runner('c').answer();
    world.runner('b').answer();
    world.runner('b').answer();
    world.frame();
    world.runner('c').answer();
    expect(world.said()).toBe('b1 b2 c3');
  });
});
