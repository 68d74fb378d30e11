// The ladder: baseline, previous, factory, halt. However a release fails, the next one answers; when nobody is left the
// device says so once, with every cause, and begins again after a minute.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportOf } from '../../../agent/core/explain.ts';
import { freshDurable, isOfBaselineChain } from '../../../agent/core/state.ts';
import { CoreWorld, desired, FACTORY, killDocument, ref, releaseKill } from './core-world.ts';

const LADDER = ['b', 'a', 'f'] as const;
const EVERYBODY = [...LADDER, 'c'] as const;
type Name = (typeof EVERYBODY)[number];
/** How a release fails for good: its load, its file, its runner again and again, or it hangs on frames. */
const WAYS = ['load', 'missing', 'crash', 'oom', 'hang'] as const;
type Way = (typeof WAYS)[number];

function openLadder(): CoreWorld {
  return new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b'), previous: ref('a') });
}

/** Gives every open step its result, where the releases in `broken` fail in their way; a round is a second. */
function live(world: CoreWorld, rounds: number, broken: ReadonlyMap<Name, Way>): void {
  for (let round = 0; round < rounds; round += 1) {
    for (const [digest, what] of [...world.open]) resolve(world, digest, what, wayOf(broken, digest));
    for (const [name, way] of broken) fail(world, name, way);
    world.answer();
    world.wait(1000);
  }
}

function wayOf(broken: ReadonlyMap<Name, Way>, digest: string): Way | null {
  const name = EVERYBODY.find((one) => ref(one).digest === digest);
  return name === undefined ? null : (broken.get(name) ?? null);
}

function resolve(world: CoreWorld, digest: string, what: string, way: Way | null): void {
  if (way === 'load' && what === 'load') world.finish(digest, 'bad');
  else if (way === 'missing' && what === 'load') {
    world.open.delete(digest);
    world.send({ kind: 'load-failed', digest, failure: 'wrong-digest', reason: 'the file is damaged' });
  } else if (way === 'missing' && what === 'fetch') world.finish(digest, 'bad');
  else world.finish(digest);
}

function fail(world: CoreWorld, name: Name, way: Way): void {
  const { digest } = ref(name);
  if (world.state.holdings.get(digest)?.runner !== 'loaded') return;
  if (way === 'crash' || way === 'oom') world.send({ kind: 'runner-died', digest, how: way, reason: `its ${way}` });
  if (way !== 'hang' || world.servingDigest() !== digest) return;
  const role = isOfBaselineChain(world.state.durable, digest) ? 'baseline' : 'candidate';
  for (let miss = 0; miss < 3; miss += 1)
    world.send({ kind: 'frame-fault', digest, role, fault: 'deadline', detail: '' });
}

const broken = (...names: Name[]) => fc.tuple(...names.map(() => fc.constantFrom(...WAYS)));

describe('the ladder', () => {
  it('ends at the first release that is sound, whichever ways the others fail in', () => {
    const cases = fc.tuple(fc.integer({ min: 0, max: 2 }), broken(...EVERYBODY));
    fc.assert(
      fc.property(cases, ([sound, ways]) => {
        const world = openLadder();
        world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
        const failing = new Map(EVERYBODY.map((name, at) => [name, ways[at] ?? 'crash'] as const));
        for (const name of LADDER.slice(sound)) failing.delete(name);
        live(world, 90, failing);
        expect(world.servingDigest()).toBe(ref(LADDER[sound] ?? 'f').digest);
        expect(world.kinds()).not.toContain('halted');
      }),
      { numRuns: 60 },
    );
  });

  it('of four broken releases ends halted, told once with every cause, and begins again after a minute', () => {
    fc.assert(
      fc.property(broken(...EVERYBODY), (ways) => {
        const world = openLadder();
        world.order(desired(1, 'b', { name: 'c', role: 'serve' }));
        const failing = new Map(EVERYBODY.map((name, at) => [name, ways[at] ?? 'crash'] as const));
        live(world, 100, failing);
        expect(world.state.haltedAtMs).not.toBeNull();
        expect(world.servingDigest()).toBeNull();
        expect(reportOf(world.state, world.nowMs)).toMatchObject({ phase: 'halted', serving: null });
        const told = world.events.filter((event) => event.kind === 'halted');
        expect(told.length).toBeGreaterThan(0);
        for (const name of LADDER) expect(told[0]?.reason).toContain(ref(name).release);
        // Whatever was wrong with the first of them is repaired: the next attempt finds it.
        failing.delete('b');
        live(world, 130, failing);
        expect(world.servingDigest()).toBe(ref('b').digest);
        expect(world.state.haltedAtMs).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  it('is not told again while attempt after attempt fails, and not left without an attempt', () => {
    const world = openLadder();
    const failing = new Map(LADDER.map((name) => [name, 'load'] as const));
    live(world, 600, failing);
    expect(world.events.filter((event) => event.kind === 'halted')).toHaveLength(1);
    expect(world.events.filter((event) => event.kind === 'crash').length).toBeGreaterThan(6 * 9);
  });

  it('of killed releases names the kills, and goes on at once when one is lifted', () => {
    const world = openLadder().settle();
    world.kill(
      killDocument(
        1,
        LADDER.map((name) => releaseKill(name)),
      ),
    );
    world.settle();
    expect(world.last('halted')?.reason).toMatch(
      /is killed \(k-b: false alarms\); .* is killed \(k-a: .* is killed \(k-f/,
    );
    world.wait(200_000);
    expect(world.servingDigest()).toBeNull();
    world.kill(killDocument(2, [releaseKill('b'), releaseKill('f')]));
    expect(world.settle().servingDigest()).toBe(ref('a').digest);
  });
});
