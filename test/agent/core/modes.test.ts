// Warm modes: what this device has room for is decided by what is free before anything is downloaded, and told. In every
// mode a kill, a death or a shortage ends with a proven release answering.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockedOf, reportOf } from '../../../agent/core/explain.ts';
import { standsBy } from '../../../agent/core/memory-mode.ts';
import { freshDurable, holdingOf } from '../../../agent/core/state.ts';
import { CoreWorld, desired, FACTORY, fleetKill, killDocument, ref } from './core-world.ts';
import { B, C, COOL } from './limits-world.ts';

const MB = 1024 * 1024;
const TOTAL_MB = 4000;
const C_NAME = { name: 'c', role: 'serve' } as const;

/** A device whose baseline b answers; every release says that its model needs 400 MB, so that a runner needs 550. */
function openDevice(freeMb: number, runnerMb = 300): MemoryWorld {
  const world = new MemoryWorld(freeMb, runnerMb);
  world.memoryMb = 400;
  world.settle();
  world.seconds(2);
  return world;
}

class MemoryWorld extends CoreWorld {
  /** Free when only the baseline is loaded. */
  freeMb: number;
  readonly #runnerMb: number;

  constructor(freeMb: number, runnerMb: number) {
    super({ ...freshDurable(FACTORY), committed: ref('b') });
    this.freeMb = freeMb;
    this.#runnerMb = runnerMb;
  }

  /** Seconds of ten frames, a reading of the memory that the loaded runners leave, and a tick. */
  seconds(count: number): this {
    for (let second = 0; second < count; second += 1) {
      for (let frame = 0; frame < 10; frame += 1) this.answer();
      const loaded = [...this.state.holdings.values()].filter((holding) => holding.runner === 'loaded').length;
      const free = Math.max(0, this.freeMb - (loaded - 1) * this.#runnerMb);
      const memory = { memoryTotalBytes: TOTAL_MB * MB, memoryUsedBytes: (TOTAL_MB - free) * MB };
      this.send({ kind: 'sensors', sensors: { ...COOL, ...memory } });
      this.wait(1000);
      this.settle();
    }
    return this;
  }

  ask(order: { name: string; role: 'prove' | 'shadow' | 'serve'; requireWarm?: boolean }): this {
    const generation = (this.state.durable.desired?.generation ?? 0) + 1;
    const document = desired(generation, 'b', order);
    const candidate = document.candidate && { ...document.candidate, requireWarm: order.requireWarm === true };
    this.order({ ...document, candidate });
    return this;
  }

  runner(digest: string): string {
    return this.state.holdings.get(digest)?.runner ?? 'none';
  }

  report() {
    return reportOf(this.state, this.nowMs);
  }
}

describe('with room for both', () => {
  it('is warm: both stay loaded, and the numbers say why', () => {
    const world = openDevice(2000).ask(C_NAME);
    world.seconds(20);
    expect(world.servingDigest()).toBe(C);
    expect(world.runner(B)).toBe('loaded');
    expect(world.report()).toMatchObject({
      mode: 'warm',
      modeBecause: '550 MB needed by it (400 MB and 150 MB of its runtime), 2000 MB available, 256 MB kept in reserve',
      swapMs: null,
    });
  });

  it('counts a runner for each camera', () => {
    const world = openDevice(1200);
    for (const cameraId of ['camera-1', 'camera-2'])
      world.send({ kind: 'camera', cameraId, lost: false, healthy: true, why: null });
    world.ask(C_NAME).seconds(20);
    expect(world.report().modeBecause).toContain('for each of 2 cameras');
    expect(world.report().mode).toBe('cold-baseline');
  });
});

describe('with room for one more, but not for long', () => {
  const cold = () => openDevice(700).ask(C_NAME).seconds(20);

  it('the baseline rests once the candidate answers, and the way back is stated', () => {
    const world = cold();
    expect(world.servingDigest()).toBe(C);
    expect(world.runner(B)).toBe('none');
    expect(holdingOf(world.state, ref('b')).files).toBe('installed');
    expect(world.report()).toMatchObject({ mode: 'cold-baseline', swapMs: 9 });
    expect(world.report().modeBecause).toMatch(/^both do not fit for long: 550 MB needed .* 700 MB available/);
  });

  it('a runner without a model stands by for it while memory lasts, and not once it is wanted again', () => {
    const world = cold();
    expect(standsBy(world.state, world.nowMs)?.digest).toBe(B);
    world.freeMb = 100;
    world.seconds(2);
    expect(standsBy(world.state, world.nowMs)).toBeNull();
    world.freeMb = 700;
    world.seconds(2);
    expect(standsBy(world.state, world.nowMs)?.digest).toBe(B);
    world.kill(killDocument(1, [fleetKill()]));
    expect(standsBy(world.state, world.nowMs)).toBeNull();
  });

  it('nobody stands by for one that stays loaded', () => {
    const world = openDevice(2000).ask(C_NAME).seconds(20);
    expect(world.servingDigest()).toBe(C);
    expect(standsBy(world.state, world.nowMs)).toBeNull();
  });

  it('only after it has answered its golden pictures in the last day', () => {
    const world = openDevice(700);
    world.ask(C_NAME);
    // The score is asked for and not answered yet: nothing is loaded for the candidate.
    for (let round = 0; round < 3; round += 1) {
      for (const [digest, what] of [...world.open]) if (what === 'fetch') world.finish(digest);
      world.wait(1000);
    }
    expect(world.open.get(B)).toBe('score');
    expect(world.runner(C)).toBe('none');
    world.seconds(20);
    expect(world.runner(B)).toBe('none');
    expect(world.state.proofs.get(B)?.passed).toBe(true);
    const provenAtMs = world.state.proofs.get(B)?.atMs ?? 0;
    world.nowMs += 24 * 3_600_000;
    world.seconds(5);
    expect(world.state.proofs.get(B)?.atMs).toBeGreaterThan(provenAtMs);
    expect(world.runner(B)).toBe('none');
  });

  it('a kill loads the baseline at once; the gap is told, and no frame is answered by the candidate meanwhile', () => {
    const world = cold();
    const { requests } = world;
    world.kill(killDocument(1, [fleetKill()]));
    expect(world.effects.map((effect) => effect.kind)).toContain('load');
    expect(world.servingDigest()).toBeNull();
    world.nowMs += 700;
    world.answer();
    expect(world.requests).toBe(requests);
    world.finish(B);
    world.answer();
    expect(world.last('kill-ack')).toMatchObject({ effectMs: 700, digest: B, wasServing: true });
  });

  it('a death loads the baseline first and the candidate only after it, and tells the gap', () => {
    const world = cold();
    world.send({ kind: 'runner-died', digest: C, how: 'oom', reason: 'out of memory' });
    expect(world.effects.filter((effect) => effect.kind === 'load')).toMatchObject([{ ref: ref('b') }]);
    expect(world.effects.map((effect) => effect.kind)).not.toContain('prove');
    world.nowMs += 400;
    world.finish(B);
    world.answer();
    expect(world.last('reverted')).toMatchObject({ gapMs: 400, digest: C });
    world.seconds(20);
    expect(world.servingDigest()).toBe(C);
    expect(world.runner(B)).toBe('none');
  });

  it('a baseline whose golden pictures fail does not rest: the candidate waits and says why', () => {
    const world = openDevice(700).ask(C_NAME);
    world.finish(C);
    world.seconds(0);
    const proof = { digest: B, release: ref('b').release, passed: false, reason: '3 of 8 met', atMs: 1 };
    world.open.delete(B);
    const record = { ...proof, frames: 8, loadMs: 1, coldStartMs: 1, scores: [] };
    world.send({ kind: 'scored', digest: B, record });
    world.wait(1000);
    expect(world.runner(C)).toBe('none');
    expect(blockedOf(world.state, world.nowMs)[0]).toMatchObject({ kind: 'not-warm' });
    expect(blockedOf(world.state, world.nowMs)[0]?.reason).toContain('3 of 8 met');
  });

  it('a baseline whose golden run finds no time does not rest either: the candidate waits, says why, and goes on', () => {
    const world = openDevice(700);
    // Whatever is asked of b comes to no end.
    world.ask(C_NAME);
    for (let second = 0; second < 5; second += 1) {
      for (const [digest, what] of [...world.open]) world.finish(digest, what === 'score' ? 'bad' : 'good');
      world.wait(1000);
    }
    expect(world.runner(C)).toBe('none');
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([
      {
        kind: 'not-warm',
        reason:
          'both do not fit, and the baseline may not rest before it has answered its golden pictures: that did not come to an end, and is tried again',
      },
    ]);
    world.seconds(1300);
    expect(world.servingDigest()).toBe(C);
    expect(world.runner(B)).toBe('none');
  });

  it('one that shall only be proven is not kept loaded', () => {
    const world = openDevice(700).ask({ name: 'c', role: 'prove' }).seconds(20);
    expect(world.state.holdings.get(C)?.proof).toBe('passed');
    expect(world.runner(C)).toBe('none');
    expect(world.runner(B)).toBe('loaded');
  });

  it('goes back to warm when there is room for a minute, and not for a moment', () => {
    const world = cold();
    world.freeMb = 2500;
    world.seconds(20);
    world.freeMb = 700;
    world.seconds(5);
    expect(world.runner(B)).toBe('none');
    world.freeMb = 2500;
    world.seconds(70);
    expect(world.runner(B)).toBe('loaded');
    expect(world.report()).toMatchObject({ mode: 'warm' });
  });
});

describe('with no room', () => {
  it('refuses before the download, in numbers, and tries again when there is room', () => {
    const world = openDevice(500).ask(C_NAME);
    world.send({ kind: 'sized', digest: C, memoryMb: 400 });
    expect(world.effects).toContainEqual({ kind: 'cancel', digest: C });
    world.open.delete(C);
    expect(world.report()).toMatchObject({ mode: 'refuse' });
    expect(blockedOf(world.state, world.nowMs)).toMatchObject([
      {
        kind: 'not-warm',
        reason:
          'not even one more runner fits: 550 MB needed by it (400 MB and 150 MB of its runtime), 500 MB available',
      },
    ]);
    world.seconds(30);
    expect(world.runner(C)).toBe('none');
    world.freeMb = 2000;
    world.seconds(60);
    expect(world.servingDigest()).toBe(C);
    expect(world.report().mode).toBe('warm');
  });

  it('refuses a cold baseline where the rollout demands warm, and a shadow always', () => {
    for (const order of [{ ...C_NAME, requireWarm: true }, { name: 'c', role: 'shadow' } as const]) {
      const world = openDevice(700).ask(order).seconds(20);
      expect(world.runner(C)).toBe('none');
      expect(blockedOf(world.state, world.nowMs)[0]).toMatchObject({ kind: 'not-warm' });
      expect(blockedOf(world.state, world.nowMs)[0]?.reason).toMatch(/256 MB must stay in reserve/);
    }
  });

  it('never keeps a baseline from loading', () => {
    const world = openDevice(0);
    expect(world.servingDigest()).toBe(B);
    world.send({ kind: 'runner-died', digest: B, how: 'crash', reason: 'SIGSEGV' });
    world.seconds(3);
    expect(world.servingDigest()).toBe(B);
  });
});

describe('when memory shrinks beside a candidate', () => {
  it('that serves, the baseline rests after half a minute', () => {
    const world = openDevice(2000).ask(C_NAME).seconds(20);
    world.freeMb = 400;
    world.seconds(25);
    expect(world.runner(B)).toBe('loaded');
    world.seconds(10);
    expect(world.runner(B)).toBe('none');
    expect(world.servingDigest()).toBe(C);
    expect(world.report()).toMatchObject({ mode: 'cold-baseline' });
    expect(world.report().modeBecause).toBe('100 MB available < 128 MB, half of the reserve, for 30 s');
  });

  it('that must be warm, or only shadows, it goes for a cool-down and says so', () => {
    for (const order of [{ ...C_NAME, requireWarm: true }, { name: 'c', role: 'shadow' } as const]) {
      const world = openDevice(2000).ask(order).seconds(20);
      world.freeMb = 400;
      world.seconds(35);
      expect(world.state.serving).toMatchObject({ kind: 'baseline', shadow: null });
      expect(world.runner(C)).toBe('none');
      expect(world.last('breach')).toMatchObject({ breach: 'reserve' });
      expect(blockedOf(world.state, world.nowMs)[0]).toMatchObject({ kind: 'not-warm' });
      expect(world.disk.quarantine).toEqual([]);
    }
  });

  it('for a moment, nothing changes', () => {
    const world = openDevice(2000).ask(C_NAME).seconds(20);
    for (let round = 0; round < 4; round += 1) {
      world.freeMb = 400;
      world.seconds(20);
      world.freeMb = 2000;
      world.seconds(20);
    }
    expect(world.runner(B)).toBe('loaded');
    expect(world.report().mode).toBe('warm');
  });

  it('the fallback that nobody asked for goes first', () => {
    const world = openDevice(2000).ask(C_NAME).seconds(20);
    world.order(desired(9, 'c'));
    world.seconds(5);
    expect(world.state.durable.committed.digest).toBe(C);
    expect(world.runner(B)).toBe('loaded');
    world.freeMb = 500;
    world.seconds(2);
    expect(world.runner(B)).toBe('none');
    expect(world.servingDigest()).toBe(C);
  });
});

describe('whatever memory does', () => {
  it('someone answers again as soon as what is loading is loaded, and a kill always ends at the baseline', () => {
    const acts = fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 80 }), fc.boolean()), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(acts, fc.boolean(), (changes, requireWarm) => {
        const world = openDevice(1500).ask({ ...C_NAME, requireWarm });
        for (const [freeMb, seconds, dies] of changes) {
          world.freeMb = freeMb;
          world.seconds(seconds);
          expect(world.servingDigest()).not.toBeNull();
          if (dies && world.runner(C) === 'loaded')
            world.send({ kind: 'runner-died', digest: C, how: 'oom', reason: 'out of memory' });
          if (requireWarm && world.servingDigest() === C) expect(world.runner(B)).toBe('loaded');
        }
        world.kill(killDocument(1, [fleetKill()]));
        expect(world.servingDigest()).not.toBe(C);
        world.seconds(1);
        expect(world.servingDigest()).toBe(B);
      }),
      { numRuns: 60 },
    );
  });
});
