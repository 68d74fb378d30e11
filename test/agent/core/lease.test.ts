// The lease: who may answer until when, counted from the device's own hello, whatever is replayed, withheld or late.
import { describe, expect, it } from 'vitest';
import { blockedOf, reportOf } from '../../../agent/core/explain.ts';
import { DEVICE, desired, fleetKill, killDocument, ref } from './core-world.ts';
import { BASELINE, CANDIDATE, LeaseWorld, leasedOrder, TTL_MS } from './lease-world.ts';

function serving(terms: Parameters<typeof leasedOrder>[1] = {}): LeaseWorld {
  const world = new LeaseWorld().ready(terms);
  world.answerNewest({ ttlMs: terms.ttlMs ?? TTL_MS });
  expect(world.frame()).toBe(CANDIDATE);
  world.core.answer();
  return world;
}

describe('a candidate that needs a lease', () => {
  it('asks as soon as it is desired, and answers no frame before it is granted', () => {
    const world = new LeaseWorld();
    world.link(true);
    world.take(world.core.order(leasedOrder(1)));
    expect(world.hellos).toMatchObject([{ nonce: 1, digest: CANDIDATE }]);
    world.settle();
    expect(world.frame()).toBe(BASELINE);
    expect(reportOf(world.core.state, world.core.nowMs)).toMatchObject({ lease: { state: 'none', leftMs: 0 } });
    world.answerNewest();
    expect(world.frame()).toBe(CANDIDATE);
    expect(reportOf(world.core.state, world.core.nowMs).lease).toEqual({ state: 'running', leftMs: TTL_MS });
  });

  it('counts from the hello, not from the arrival of the answer', () => {
    const world = new LeaseWorld().ready();
    const [hello] = world.hellos;
    world.wait(TTL_MS - 1, { awake: false });
    if (hello) world.answer(hello);
    expect(world.frame()).toBe(CANDIDATE);
    world.wait(1, { awake: false });
    expect(world.frame()).toBe(BASELINE);
  });

  it('takes the shorter of the time in the lease and the time in the order', () => {
    const shorter = new LeaseWorld().ready();
    shorter.answerNewest({ ttlMs: 5000 });
    shorter.wait(5000, { awake: false });
    expect(shorter.frame()).toBe(BASELINE);
    const longer = new LeaseWorld().ready();
    longer.answerNewest({ ttlMs: 10 * TTL_MS });
    longer.wait(TTL_MS, { awake: false });
    expect(longer.frame()).toBe(BASELINE);
  });

  it('loses nothing by an answer that comes late or twice', () => {
    const world = new LeaseWorld().ready();
    world.wait(3000);
    const [first, second] = world.hellos;
    if (!first || !second) throw new Error('two hellos');
    world.answer(second);
    world.answer(first);
    world.wait(second.atMs + TTL_MS - 1 - world.core.nowMs, { awake: false });
    expect(world.frame()).toBe(CANDIDATE);
  });

  it('renews each third of its time, a little apart from every other device', () => {
    const world = serving({ ttlMs: 900_000 });
    const said = [world.hellos.at(-1)?.atMs ?? 0];
    for (let second = 0; second < 1800; second += 1) {
      world.wait(1000);
      const newest = world.hellos.at(-1)?.atMs ?? 0;
      if (newest === said.at(-1)) continue;
      said.push(newest);
      world.answerNewest({ ttlMs: 900_000 });
    }
    const gaps = said.slice(1).map((atMs, i) => atMs - (said[i] ?? 0));
    expect(gaps.length).toBeGreaterThanOrEqual(5);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(240_000);
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(361_000);
    expect(new Set(gaps).size).toBeGreaterThan(1);
    expect(world.standing()).toBe('');
  });

  it('asks again sooner while nobody answers, and ever more patiently', () => {
    const world = new LeaseWorld().ready({ ttlMs: 900_000 });
    world.wait(600_000);
    const gaps = world.hellos.slice(1).map(({ atMs }, i) => atMs - (world.hellos[i]?.atMs ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(3000);
    expect(gaps.at(-1)).toBeGreaterThan(100_000);
    expect(world.hellos.length).toBeLessThan(12);
  });

  it('renews in time when it is granted less than the order allows', () => {
    const world = serving({ ttlMs: 900_000 });
    for (let second = 0; second < 300; second += 1) {
      const before = world.hellos.length;
      world.wait(1000);
      if (world.hellos.length > before) world.answerNewest({ ttlMs: 30_000 });
    }
    world.answerNewest({ ttlMs: 30_000 });
    expect(world.standing()).toBe('');
  });

  it('says nothing while there is no link, and asks in its first hello when there is one', () => {
    const world = serving();
    const before = world.hellos.length;
    world.link(false);
    world.wait(5 * TTL_MS);
    expect(world.hellos).toHaveLength(before);
    world.link(true);
    expect(world.hellos).toHaveLength(before + 1);
  });

  it('needs none to shadow, to be proven, or as the new baseline', () => {
    const world = serving();
    world.link(false);
    world.core.order(desired(2, 'c'));
    world.wait(3 * TTL_MS);
    for (let i = 0; i < 12; i += 1) world.core.answer();
    expect(world.core.disk.committed.digest).toBe(CANDIDATE);
    world.core.order(desired(3, 'c', { name: 'd', role: 'shadow' }));
    world.core.settle();
    expect(world.core.state.serving.shadow?.ref.digest).toBe(ref('d').digest);
    expect(reportOf(world.core.state, world.core.nowMs).lease).toBeNull();
  });
});

describe('a lease that lapses', () => {
  it('gives the frame to the baseline, without strike, quarantine or unloading', () => {
    const world = serving();
    world.link(false);
    world.wait(TTL_MS - (world.core.nowMs % 1000), { awake: false });
    expect(world.frame()).toBe(BASELINE);
    world.core.answer();
    expect(world.standing()).toBe('lease-lapsed');
    expect(world.core.last('lease-lapsed')).toMatchObject({ digest: CANDIDATE, rolloutId: 'ro-1', generation: 1 });
    expect(world.core.kinds()).not.toContain('reverted');
    expect(world.core.disk.quarantine).toEqual([]);
    expect(world.core.disk.attempts.every(({ strikes }) => strikes === 0)).toBe(true);
    expect(world.core.state.holdings.get(CANDIDATE)).toMatchObject({ runner: 'loaded', proof: 'passed' });
    const report = reportOf(world.core.state, world.core.nowMs);
    expect(report).toMatchObject({ phase: 'ready', lease: { state: 'lapsed', leftMs: 0 } });
    expect(report.servingBecause).toContain('has lapsed');
    expect(blockedOf(world.core.state, world.core.nowMs)).toMatchObject([{ kind: 'lease-lapsed' }]);
  });

  it('serves again when it is renewed, and says so', () => {
    const world = serving();
    world.link(false);
    world.wait(2 * TTL_MS);
    world.link(true);
    world.answerNewest();
    expect(world.frame()).toBe(CANDIDATE);
    expect(world.standing()).toBe('lease-lapsed lease-renewed');
    expect(blockedOf(world.core.state, world.core.nowMs)).toEqual([]);
  });

  it('is found by the first frame after a sleep, before any tick', () => {
    const world = serving();
    world.wait(TTL_MS, { awake: false });
    const effects = world.core.send({ kind: 'look' });
    expect(effects.map((effect) => effect.kind)).toContain('reroute');
    expect(world.core.servingDigest()).toBe(BASELINE);
  });

  it('counts the time in which the box was suspended', () => {
    const world = serving();
    world.core.send({ kind: 'slept', sleptMs: TTL_MS });
    expect(world.frame()).toBe(BASELINE);
  });

  it('leaves the candidate answering where the site holds, and says that', () => {
    const world = serving({ onLapse: 'hold' });
    world.link(false);
    world.wait(3 * TTL_MS);
    expect(world.frame()).toBe(CANDIDATE);
    expect(world.standing()).toBe('lease-lapsed');
    expect(world.core.last('lease-lapsed')?.reason).toContain('this site holds');
    expect(reportOf(world.core.state, world.core.nowMs)).toMatchObject({ lease: { state: 'held' }, blocked: [] });
  });

  it('starts nothing where the site holds but nothing was granted in this boot', () => {
    const world = serving({ onLapse: 'hold' });
    world.core.reboot();
    world.core.order(leasedOrder(1, { onLapse: 'hold' }));
    world.core.settle();
    expect(world.frame()).toBe(BASELINE);
    expect(blockedOf(world.core.state, world.core.nowMs)).toMatchObject([
      { kind: 'lease-lapsed', reason: expect.stringContaining('cannot be reached') },
    ]);
  });

  it('blames the model for its own faults, held lease or not', () => {
    const world = serving({ onLapse: 'hold' });
    world.link(false);
    world.wait(2 * TTL_MS);
    world.core.send({ kind: 'runner-died', digest: CANDIDATE, how: 'crash', reason: 'signal' });
    world.core.answer();
    expect(world.core.kinds()).toContain('reverted');
  });
});

describe('the report', () => {
  const said = ({ core }: LeaseWorld) => {
    const { lease, ...report } = reportOf(core.state, core.nowMs);
    return { ...report, lease: lease?.state };
  };

  it('says nothing new while a device only waits: each report costs a write', () => {
    const unheard = new LeaseWorld();
    unheard.core.order(leasedOrder(1));
    unheard.settle();
    const lapsed = serving();
    lapsed.link(false);
    lapsed.wait(TTL_MS);
    const suspended = serving();
    suspended.core.send({ kind: 'persisted', fault: 'ENOSPC' });
    suspended.link(false);
    suspended.wait(2 * TTL_MS);
    suspended.core.send({ kind: 'persisted', fault: null });
    suspended.settle();
    for (const world of [unheard, lapsed, suspended]) {
      const before = said(world);
      expect(before.blocked).toMatchObject([{ kind: 'lease-lapsed' }]);
      world.wait(10_000);
      expect(said(world)).toEqual(before);
    }
  });
});

describe('what beats a lease', () => {
  it('a kill does, and a lease granted before it does not outlive it', () => {
    const world = serving();
    world.core.kill(killDocument(1, [fleetKill()]));
    expect(world.frame()).toBe(BASELINE);
    world.take(world.core.kill(killDocument(2, [])));
    world.settle();
    expect(world.frame()).toBe(BASELINE);
    world.answerNewest();
    expect(world.frame()).toBe(CANDIDATE);
    expect(world.standing()).toBe('');
  });

  it('a newer order with the same candidate keeps it, so that a stage can grow without a gap', () => {
    const world = serving();
    world.take(world.core.order(leasedOrder(2)));
    expect(world.frame()).toBe(CANDIDATE);
    world.take(world.core.order(leasedOrder(3, { ttlMs: 2000 })));
    world.wait(2000, { awake: false });
    expect(world.frame()).toBe(BASELINE);
  });

  it('another candidate asks for its own', () => {
    const world = serving();
    world.take(world.core.order(leasedOrder(2, {}, 'd')));
    world.settle();
    expect(world.hellos.at(-1)?.digest).toBe(ref('d').digest);
    expect(world.frame()).toBe(BASELINE);
  });
});

describe('a lease that is not ours to take', () => {
  it('is refused and counted when it is replayed', () => {
    const world = serving();
    const [hello] = world.hellos;
    if (!hello) throw new Error('no hello');
    for (let i = 0; i < 3; i += 1) world.answer(hello);
    world.link(false);
    world.wait(TTL_MS);
    world.answer(hello);
    expect(world.frame()).toBe(BASELINE);
    expect(world.core.state.refused).toEqual({ 'lease-replayed': 4 });
    expect(world.core.kinds().filter((kind) => kind === 'document-refused')).toHaveLength(1);
  });

  it('is refused when it answers a hello of an earlier boot, though the number fits', () => {
    const world = new LeaseWorld().ready();
    const [old] = world.hellos;
    if (!old) throw new Error('no hello');
    world.core.boot = 'boot-0002';
    world.core.reboot();
    world.link(true);
    world.take(world.core.order(leasedOrder(1)));
    world.settle();
    expect(world.hellos.at(-1)).toMatchObject({ nonce: old.nonce, boot: 'boot-0002' });
    world.answer(old);
    expect(world.frame()).toBe(BASELINE);
    expect(world.core.state.refused).toEqual({ 'lease-of-another-boot': 1 });
  });

  it('is refused for another release, another device and a number that was never said', () => {
    const world = new LeaseWorld().ready();
    world.answerNewest({ digest: ref('d').digest });
    world.answerNewest({ device: `${DEVICE}-2` });
    world.answerNewest({ nonce: 99 });
    expect(world.frame()).toBe(BASELINE);
    expect(world.core.state.refused).toEqual({
      'lease-of-another-release': 1,
      'wrong-address': 1,
      'lease-replayed': 1,
    });
  });
});
