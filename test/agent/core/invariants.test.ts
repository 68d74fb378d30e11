// Properties over any sequence of events: what must never happen, whatever happens.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesInForce, killOfDigest, killOfEveryCandidate } from '../../../agent/core/kills.ts';
import { baselineChain } from '../../../agent/core/serving.ts';
import { holdingOf, isOfBaselineChain } from '../../../agent/core/state.ts';
import { CoreWorld, desired, fleetKill, killDocument, ref, releaseKill } from './core-world.ts';

const NAMES = ['f', 'b', 'c', 'd'] as const;
const name = fc.constantFrom(...NAMES);
const topic = fc.constantFrom('fleet' as const, 'site' as const, 'device' as const);

type Act = (world: CoreWorld) => void;

/** Faults that last must be rare, or nothing else ever happens. */
const rarely = fc.nat(4).map((n) => n === 0);

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.nat(12),
        name,
        fc.option(name),
        fc.constantFrom('prove', 'shadow', 'serve'),
        fc.nat(9).map((n) => n === 0),
      )
      .map(orderAct),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(topic, fc.nat(8), fc.array(fc.oneof(name, fc.constant('*')), { maxLength: 1 })).map(killAct),
  },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.nat(9), fc.constantFrom('good' as const, 'good' as const, 'bad' as const)).map(finishAct),
  },
  { weight: 6, arbitrary: fc.nat(12).map(answerAct) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, fc.constantFrom('deadline' as const, 'non-finite' as const, 'fault' as const), fc.nat(6))
      .map(faultAct),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, fc.constantFrom('crash' as const, 'oom' as const, 'hang' as const)).map(diedAct),
  },
  {
    weight: 2,
    arbitrary: fc.nat(40_000).map(
      (ms): Act =>
        (world) =>
          void world.wait(ms),
    ),
  },
  {
    weight: 1,
    arbitrary: rarely.map(
      (present): Act =>
        (world) =>
          void world.send({ kind: 'local-kill', present, reason: 'x' }),
    ),
  },
  {
    weight: 1,
    arbitrary: rarely.map(
      (full): Act =>
        (world) =>
          void world.send({ kind: 'persisted', fault: full ? 'ENOSPC' : null }),
    ),
  },
  { weight: 5, arbitrary: fc.constant<Act>((world) => void world.settle()) },
  { weight: 1, arbitrary: fc.constant<Act>((world) => world.reboot()) },
);

/** Mostly the next generation on what is committed, as a control plane would; now and then anything. */
function orderAct([jump, base, other, role, lift]: [number, string, string | null, string, boolean]): Act {
  const candidate = other === null ? null : { name: other, role: role as 'serve' };
  const liftQuarantine = lift && other !== null ? [{ digest: ref(other).digest, reason: 'lifted' }] : [];
  return (world) => {
    const { desired: last, committed } = world.state.durable;
    const generation = jump < 9 ? (last?.generation ?? 0) + 1 : jump;
    const kept = NAMES.find((one) => ref(one).digest === committed.digest) ?? base;
    world.order(desired(generation, jump < 6 ? kept : base, candidate, { liftQuarantine }));
  };
}

function killAct([where, epoch, names]: ['fleet' | 'site' | 'device', number, string[]]): Act {
  const kills = [...new Set(names)].map((one) => (one === '*' ? fleetKill(`all-${where}`) : releaseKill(one)));
  return (world) => void world.kill(killDocument(epoch + 1, kills), where);
}

function finishAct([at, outcome]: [number, 'good' | 'bad']): Act {
  return (world) => {
    const digest = [...world.open.keys()][at];
    if (digest !== undefined) world.finish(digest, outcome);
  };
}

function answerAct(times: number): Act {
  return (world) => {
    for (let time = 0; time < times; time += 1) world.answer();
  };
}

function faultAct([one, fault, times]: [string, 'deadline' | 'non-finite' | 'fault', number]): Act {
  return (world) => {
    for (let time = 0; time < times; time += 1)
      world.send({ kind: 'frame-fault', digest: ref(one).digest, role: 'candidate', fault, detail: '' });
  };
}

function diedAct([one, how]: [string, 'crash' | 'oom' | 'hang']): Act {
  return (world) => {
    const { digest } = ref(one);
    if (world.state.holdings.get(digest)?.runner !== 'loaded') return;
    world.open.delete(digest);
    world.send({ kind: 'runner-died', digest, how, reason: 'signal' });
  };
}

/** Whatever happens: nothing killed, quarantined or unproven answers or shadows, and a fine baseline is never idle. */
function assertSafe(world: CoreWorld): void {
  const { state } = world;
  const { serving, durable } = state;
  for (const active of [serving.ref, serving.shadow?.ref ?? null]) {
    if (active === null) continue;
    expect(killOfDigest(durable, active.digest)).toBeNull();
    expect(durable.quarantine.map((entry) => entry.digest)).not.toContain(active.digest);
    const holding = holdingOf(state, active);
    expect(holding.runner).toBe('loaded');
    if (isOfBaselineChain(durable, active.digest)) continue;
    expect(holding.proof).toBe('passed');
    expect(killOfEveryCandidate(durable)).toBeNull();
    expect(state.diskFault).toBeNull();
  }
  const isFine = baselineChain(state).some((one) => {
    const holding = holdingOf(state, one);
    return holding.runner === 'loaded' && holding.failedAtMs === null;
  });
  if (isFine) expect(serving.ref).not.toBeNull();
  expect(world.disk).toEqual(durable);
}

describe('any sequence of events', () => {
  it('never lets a killed, quarantined or unproven release answer, and never idles a fine baseline', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 20, maxLength: 70, size: 'max' }), (sequence) => {
        const world = new CoreWorld();
        for (const act of sequence) {
          act(world);
          assertSafe(world);
        }
      }),
      { numRuns: 80 },
    );
  });

  it('keeps every kill and every quarantine over a reboot', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 10, maxLength: 50, size: 'max' }), (sequence) => {
        const world = new CoreWorld();
        for (const act of sequence) act(world);
        const { durable } = world.state;
        world.reboot();
        expect(entriesInForce(world.state.durable)).toEqual(entriesInForce(durable));
        const kept = new Set(world.state.durable.quarantine.map((entry) => entry.digest));
        for (const entry of durable.quarantine) expect(kept).toContain(entry.digest);
        assertSafe(world);
      }),
      { numRuns: 30 },
    );
  });

  it('takes the newest documents again without any change', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 10, maxLength: 50, size: 'max' }), (sequence) => {
        const world = new CoreWorld();
        for (const act of sequence) act(world);
        const document = desired(100, 'b', { name: 'c', role: 'serve' });
        const kill = killDocument(100, [releaseKill('d')]);
        world.order(document);
        world.kill(kill);
        const { state } = world;
        world.order(document);
        world.kill(kill);
        expect(world.effects).toEqual([]);
        expect(world.state.durable).toBe(state.durable);
        expect(world.state.refused).toEqual(state.refused);
      }),
      { numRuns: 30 },
    );
  });

  it('comes to the desired release once faults end and a person has lifted everything', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 10, maxLength: 50, size: 'max' }), (sequence) => {
        const world = new CoreWorld();
        for (const act of sequence) act(world);
        world.send({ kind: 'persisted', fault: null });
        world.send({ kind: 'local-kill', present: false, reason: '' });
        for (const where of ['fleet', 'site', 'device'] as const) world.kill(killDocument(50, []), where);
        const liftQuarantine = NAMES.map((one) => ({ digest: ref(one).digest, reason: 'looked at' }));
        world.order(desired(50, 'b', { name: 'c', role: 'serve' }, { liftQuarantine }));
        for (let round = 0; round < 14; round += 1) {
          world.settle();
          for (let frame = 0; frame < 12; frame += 1) world.answer();
          world.wait(61_000);
        }
        expect(world.state.durable.committed.digest).toBe(ref('b').digest);
        expect(world.servingDigest()).toBe(ref('c').digest);
      }),
      { numRuns: 30 },
    );
  });
});
