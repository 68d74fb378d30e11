// The reducer, told as short stories: start, candidate, commit, documents, baseline, kill.
import { describe, expect, it } from 'vitest';
import { freshDurable } from '../../../agent/core/state.ts';
import { CoreWorld, desired, FACTORY, fleetKill, killDocument, ref, releaseKill } from './core-world.ts';

function onCommitted(name: string): CoreWorld {
  return new CoreWorld({ ...freshDurable(FACTORY), committed: ref(name), previous: FACTORY }).settle();
}

/** Committed b, candidate c proven and serving. */
function onCandidate(): CoreWorld {
  const world = onCommitted('b');
  world.answer();
  world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
  world.settle().answer();
  expect(world.servingDigest()).toBe(ref('c').digest);
  return world;
}

describe('start', () => {
  it('serves the factory release on a fresh device, with no document and no network', () => {
    const world = new CoreWorld();
    expect(world.servingDigest()).toBeNull();
    world.settle().answer();
    expect(world.servingDigest()).toBe(FACTORY.digest);
    expect(world.last('serving')?.digest).toBe(FACTORY.digest);
  });

  it('starts on the baseline after a reboot even when the candidate was serving', () => {
    const world = onCandidate();
    world.reboot();
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
  });

  it('counts the attempt on disk before the candidate is loaded', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.finish(ref('c').digest);
    const [first, ...rest] = world.effects;
    expect(first?.kind).toBe('persist');
    expect(rest.map((effect) => effect.kind)).toContain('prove');
    expect(world.disk.attempts).toEqual([{ digest: ref('c').digest, starts: 1, strikes: 0 }]);
  });

  it('quarantines a candidate whose loads take the whole agent down three times', () => {
    const world = onCommitted('b');
    for (let boot = 0; boot < 3; boot += 1) {
      world.settle();
      world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
      world.finish(ref('c').digest);
      expect(world.open.get(ref('c').digest)).toBe('prove');
      world.reboot();
    }
    expect(world.last('quarantined')?.reason).toContain('3 times');
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
  });
});

describe('candidate', () => {
  it('goes fetch, prove, load, serve, and the baseline stays loaded', () => {
    const world = onCandidate();
    expect(world.state.holdings.get(ref('b').digest)?.runner).toBe('loaded');
    expect(world.kinds()).toContain('proof');
  });

  it('only shadows when its role is shadow, and only rests when it is prove', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'prove' }));
    world.settle();
    expect(world.state.serving).toMatchObject({ kind: 'baseline', shadow: null });
    world.order(desired(2, 'b', { name: 'c', role: 'shadow' }));
    expect(world.state.serving.shadow).toMatchObject({ ref: { digest: ref('c').digest }, sampleEvery: 2 });
    expect(world.kinds()).toContain('shadow-started');
  });

  it('is set aside at once when its golden answers do not match', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.finish(ref('c').digest);
    world.finish(ref('c').digest, 'bad');
    expect(world.disk.quarantine).toMatchObject([{ digest: ref('c').digest, kind: 'proof-failed' }]);
    world.settle().wait(3_600_000);
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
  });

  it('reverts and is quarantined after one native crash, with the gap measured at the first baseline answer', () => {
    const world = onCandidate();
    world.send({ kind: 'runner-died', digest: ref('c').digest, how: 'crash', reason: 'signal SIGSEGV' });
    expect(world.servingDigest()).toBe(ref('b').digest);
    world.nowMs += 40;
    world.answer();
    expect(world.last('reverted')).toMatchObject({ digest: ref('c').digest, gapMs: 40, reason: 'signal SIGSEGV' });
    expect(world.disk.quarantine[0]?.kind).toBe('crash');
  });

  it('gets a second chance after one run of faults, not after two', () => {
    const world = onCandidate();
    const fault = {
      kind: 'frame-fault',
      digest: ref('c').digest,
      role: 'candidate',
      fault: 'non-finite',
      detail: '',
    } as const;
    for (let at = 0; at < 5; at += 1) world.send(fault);
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.disk.quarantine).toEqual([]);
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
    for (let at = 0; at < 5; at += 1) world.send(fault);
    expect(world.disk.quarantine[0]?.kind).toBe('non-finite');
  });

  it('one missed deadline is a frame fault, three within a minute are a hang', () => {
    const world = onCandidate();
    const miss = {
      kind: 'frame-fault',
      digest: ref('c').digest,
      role: 'candidate',
      fault: 'deadline',
      detail: '',
    } as const;
    world.send(miss);
    world.wait(61_000);
    world.send(miss);
    world.send(miss);
    expect(world.servingDigest()).toBe(ref('c').digest);
    world.send(miss);
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.disk.quarantine[0]?.kind).toBe('hang');
  });

  it('stays quarantined over reboots and newer generations until one lifts it by name', () => {
    const world = onCandidate();
    world.send({ kind: 'runner-died', digest: ref('c').digest, how: 'crash', reason: 'signal SIGSEGV' });
    world.reboot();
    world.settle();
    world.order(desired(2, 'b', { name: 'c', role: 'serve' }));
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
    const liftQuarantine = [{ digest: ref('c').digest, reason: 'driver updated' }];
    world.order(desired(3, 'b', { name: 'c', role: 'serve' }, { liftQuarantine }));
    world.settle();
    expect(world.last('quarantine-lifted')?.reason).toBe('driver updated');
    expect(world.servingDigest()).toBe(ref('c').digest);
  });

  it('is set aside again after a lift, however many later orders still carry that lift', () => {
    const world = onCandidate();
    const crash = () => world.send({ kind: 'runner-died', digest: ref('c').digest, how: 'crash', reason: 'SIGSEGV' });
    crash();
    const lift = { digest: ref('c').digest, reason: 'driver updated', below: 2 };
    const order = (generation: number, below = lift.below) =>
      world.order(desired(generation, 'b', { name: 'c', role: 'serve' }, { liftQuarantine: [{ ...lift, below }] }));
    order(2);
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
    crash();
    order(3);
    world.settle();
    expect(world.state.durable.quarantine).toMatchObject([{ digest: ref('c').digest, kind: 'crash' }]);
    expect(world.servingDigest()).toBe(ref('b').digest);
    order(4, 4);
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
  });

  it('waits for its files as long as the download fails, without touching the baseline', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.finish(ref('c').digest, 'bad');
    expect(world.state.holdings.get(ref('c').digest)?.hindrance?.kind).toBe('download-failed');
    expect(world.open.has(ref('c').digest)).toBe(false);
    world.wait(6_000);
    expect(world.open.get(ref('c').digest)).toBe('fetch');
  });

  it('may not run while its attempts cannot be written to disk', () => {
    const world = onCandidate();
    world.send({ kind: 'persisted', fault: 'ENOSPC' });
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.wait(1000).effects.map((effect) => effect.kind)).toContain('persist');
    world.send({ kind: 'persisted', fault: null });
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
  });
});

describe('a load for which the box had no room', () => {
  it('keeps a candidate waiting without a strike', () => {
    const world = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), previous: ref('a') }).settle();
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    for (let round = 0; round < 5; round += 1) {
      for (const [digest, what] of [...world.open]) {
        if (what === 'load')
          world.send({ kind: 'load-failed', digest, failure: 'starved', reason: 'no room in /dev/shm' });
        else world.finish(digest);
      }
      world.open.clear();
      world.wait(30_000);
    }
    expect(world.disk.quarantine).toEqual([]);
    expect(world.disk.attempts.every(({ strikes }) => strikes === 0)).toBe(true);
    expect(world.servingDigest()).toBe(ref('b').digest);
  });
});

describe('a proof for which the box had no time', () => {
  it('is no strike: it is tried again after a while', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
    world.finish(ref('c').digest);
    world.open.delete(ref('c').digest);
    world.send({ kind: 'load-failed', digest: ref('c').digest, failure: 'starved', reason: 'no picture came' });
    expect(world.disk).toMatchObject({ attempts: [], quarantine: [] });
    expect(world.open.has(ref('c').digest)).toBe(false);
    world.wait(6_000);
    expect(world.settle().servingDigest()).toBe(ref('c').digest);
  });
});

describe('commit', () => {
  it('makes the serving candidate the committed baseline when the order names it so, in the same turn', () => {
    const world = onCandidate();
    world.order(desired(2, 'c'));
    expect(world.disk).toMatchObject({ committed: ref('c'), previous: ref('b') });
    expect(world.state.serving).toMatchObject({ kind: 'baseline', role: 'baseline' });
    expect(world.state.holdings.get(ref('b').digest)?.runner).toBe('loaded');
    expect(world.kinds().filter((kind) => kind === 'reverted')).toEqual([]);
  });

  it('catches up after a long absence: stage, prove, serve, then commit after ten answers', () => {
    const world = onCommitted('b');
    world.order(desired(40, 'z'));
    world.settle();
    expect(world.state.serving.kind).toBe('trial-baseline');
    for (let frame = 0; frame < 9; frame += 1) world.answer();
    expect(world.disk.committed).toEqual(ref('b'));
    world.answer();
    expect(world.disk).toMatchObject({ committed: ref('z'), previous: ref('b') });
  });

  it('goes back to the previous release by the same way', () => {
    const world = onCandidate();
    world.order(desired(2, 'c'));
    world.answer();
    world.order(desired(3, 'b'));
    world.settle();
    for (let frame = 0; frame < 10; frame += 1) world.answer();
    expect(world.disk).toMatchObject({ committed: ref('b'), previous: ref('c') });
  });
});

describe('documents', () => {
  it('refuses an older generation and another document of the same generation, and shows it', () => {
    const world = onCandidate();
    world.order(desired(5, 'b'));
    world.order(desired(4, 'b', { name: 'c', role: 'serve' }));
    world.order(desired(5, 'b', { name: 'c', role: 'serve' }));
    expect(world.state.refused).toEqual({ 'older-generation': 2 });
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.kinds().filter((kind) => kind === 'document-refused')).toHaveLength(2);
    world.order(desired(4, 'b', { name: 'c', role: 'serve' }));
    expect(world.kinds().filter((kind) => kind === 'document-refused').length).toBeLessThanOrEqual(3);
  });

  it('takes the same document again without doing anything', () => {
    const world = onCandidate();
    expect(world.order(desired(1, 'b', { name: 'c', role: 'serve' }))).toEqual([]);
    expect(world.state.refused).toEqual({});
  });

  it('refuses a document for another device', () => {
    const world = onCommitted('b');
    world.order({ ...desired(1, 'z'), device: 'device-2' });
    expect(world.state.refused).toEqual({ 'wrong-address': 1 });
    expect(world.disk.desired).toBeNull();
  });
});

describe('baseline', () => {
  it('is loaded again after a crash, and given up for the previous one after three within a minute', () => {
    const world = onCommitted('b');
    const died = { kind: 'runner-died', digest: ref('b').digest, how: 'crash', reason: 'signal SIGABRT' } as const;
    for (let at = 0; at < 2; at += 1) {
      world.send(died);
      world.settle();
      expect(world.servingDigest()).toBe(ref('b').digest);
    }
    world.send(died);
    world.settle();
    expect(world.servingDigest()).toBe(FACTORY.digest);
    expect(world.state.serving.kind).toBe('fallback');
  });

  it('falls through previous and factory to a halt, and begins again after a minute', () => {
    const world = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), previous: ref('a') });
    for (let round = 0; round < 30 && world.state.haltedAtMs === null; round += 1) {
      for (const [digest, what] of [...world.open]) world.finish(digest, what === 'load' ? 'bad' : 'good');
    }
    expect(world.state.serving.ref).toBeNull();
    expect(world.state.haltedAtMs).not.toBeNull();
    world.wait(61_000);
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
  });

  it('serves the next of the chain at once when its own file is missing, and is fetched in the background', () => {
    const world = new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b') });
    world.finish(ref('b').digest, 'bad');
    world.finish(FACTORY.digest);
    world.finish(FACTORY.digest);
    expect(world.servingDigest()).toBe(FACTORY.digest);
    world.wait(6_000);
    world.settle();
    expect(world.servingDigest()).toBe(ref('b').digest);
  });
});

describe('kill and rearm', () => {
  it('of everything: the candidate stops, the committed baseline goes on, persisted before anything else', () => {
    const world = onCandidate();
    const effects = world.kill(killDocument(7, [fleetKill()]));
    expect(effects[0]?.kind).toBe('persist');
    expect(effects[1]?.kind).toBe('reroute');
    expect(world.servingDigest()).toBe(ref('b').digest);
    world.nowMs += 12;
    world.answer();
    expect(world.last('kill-ack')).toMatchObject({
      killEpoch: 7,
      effectMs: 12,
      wasServing: true,
      digest: ref('b').digest,
      requestId: 'r-3',
    });
    expect(world.kinds()).not.toContain('reverted');
  });

  it('is acknowledged by a device that already served the baseline', () => {
    const world = onCommitted('b');
    world.kill(killDocument(1, [fleetKill()]));
    world.answer();
    expect(world.last('kill-ack')).toMatchObject({ killEpoch: 1, wasServing: false });
  });

  it('survives a reboot and stays in force with no network; an unacknowledged one is acknowledged then', () => {
    const world = onCandidate();
    world.kill(killDocument(7, [fleetKill()]));
    world.reboot();
    world.settle();
    world.order(desired(9, 'b', { name: 'c', role: 'serve' }));
    world.settle().answer();
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.last('kill-ack')).toMatchObject({ killEpoch: 7, wasServing: false });
    world.reboot();
    world.settle().answer();
    expect(world.kinds().filter((kind) => kind === 'kill-ack')).toHaveLength(1);
  });

  it('of a release that is the committed baseline: the device falls back to the previous one', () => {
    const world = onCommitted('b');
    world.kill(killDocument(1, [releaseKill('b')]));
    world.settle().answer();
    expect(world.servingDigest()).toBe(FACTORY.digest);
    expect(world.last('kill-ack')).toMatchObject({ digest: FACTORY.digest, wasServing: true });
  });

  it('of one release leaves another candidate alone', () => {
    const world = onCandidate();
    world.kill(killDocument(1, [releaseKill('d')]));
    expect(world.servingDigest()).toBe(ref('c').digest);
  });

  it('stops a shadow and work under way', () => {
    const world = onCommitted('b');
    world.order(desired(1, 'b', { name: 'c', role: 'shadow' }));
    world.settle();
    world.kill(killDocument(1, [releaseKill('c')]));
    expect(world.state.serving.shadow).toBeNull();
    world.order(desired(2, 'b', { name: 'd', role: 'serve' }));
    world.kill(killDocument(2, [fleetKill()]));
    expect(world.state.holdings.get(ref('d').digest)?.files).not.toBe('fetching');
  });

  it('older and equal epochs are refused; the same document again is nothing', () => {
    const world = onCommitted('b');
    world.kill(killDocument(5, [fleetKill()]));
    world.answer();
    expect(world.kill(killDocument(5, [fleetKill()]))).toEqual([]);
    world.kill(killDocument(5, []));
    world.kill(killDocument(4, []));
    expect(world.state.refused).toEqual({ 'older-epoch': 2 });
    expect(world.state.durable.kills[0]?.entries).toHaveLength(1);
  });

  it('rearm is the document without the entry: the candidate is loaded and proven afresh', () => {
    const world = onCandidate();
    world.kill(killDocument(1, [fleetKill()]));
    world.settle();
    world.kill(killDocument(2, []));
    expect(world.last('rearmed')?.killEpoch).toBe(2);
    expect(world.servingDigest()).toBe(ref('b').digest);
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
    const proofs = world.events.filter((event) => event.kind === 'proof' && event.digest === ref('c').digest);
    expect(proofs).toHaveLength(2);
  });

  it('for another device on the site topic does not reach this one', () => {
    const world = onCandidate();
    const scope = { kind: 'device', site: 'site-a', device: 'device-9' } as const;
    world.kill(killDocument(1, [{ ...fleetKill(), scope }]), 'site');
    world.answer();
    expect(world.servingDigest()).toBe(ref('c').digest);
    expect(world.kinds()).not.toContain('kill-ack');
  });

  it('more kills than the slots can keep stop every candidate', () => {
    const world = onCandidate();
    world.kill(
      killDocument(
        1,
        ['1', '2', '3', '4', '5', '6'].map((name) => releaseKill(name)),
      ),
    );
    expect(world.servingDigest()).toBe(ref('b').digest);
  });

  it('a local kill file works like a kill of this device, and ends with the file', () => {
    const world = onCandidate();
    world.send({ kind: 'local-kill', present: true, reason: 'smoke' });
    world.answer();
    expect(world.servingDigest()).toBe(ref('b').digest);
    expect(world.last('kill-ack')?.wasServing).toBe(true);
    world.send({ kind: 'local-kill', present: false, reason: '' });
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
  });
});
