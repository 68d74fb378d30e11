// What the reducer lets go from the disk: a release that no order and no fallback names any more, and nothing else.
import { describe, expect, it } from 'vitest';
import type { Effect } from '../../../agent/core/effects.ts';
import { CoreWorld, desired, FACTORY, ref } from './core-world.ts';

function keptBy(effects: readonly Effect[]): readonly string[] | null {
  const effect = effects.find(({ kind }) => kind === 'collect-garbage');
  return effect?.kind === 'collect-garbage' ? effect.keep : null;
}

describe('the files of a release', () => {
  it('go when a candidate is taken back, and those of the fallbacks stay', () => {
    const world = new CoreWorld().settle();
    world.order(desired(1, 'f', { name: 'c', role: 'serve' }));
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
    expect(keptBy(world.order(desired(2, 'f')))).toEqual([FACTORY.digest]);
  });

  it('are fetched again when it is wanted again, and that start is not held against it', () => {
    const world = new CoreWorld().settle();
    world.order(desired(1, 'f', { name: 'c', role: 'serve' }));
    world.settle();
    world.order(desired(2, 'f'));
    world.settle();
    world.order(desired(3, 'f', { name: 'c', role: 'serve' }));
    expect(world.open.get(ref('c').digest)).toBe('fetch');
    expect(world.state.durable.attempts).toEqual([]);
    world.settle();
    expect(world.servingDigest()).toBe(ref('c').digest);
  });

  it('go when another candidate takes their place', () => {
    const world = new CoreWorld().settle();
    world.order(desired(1, 'f', { name: 'c', role: 'shadow' }));
    world.settle();
    const kept = keptBy(world.order(desired(2, 'f', { name: 'd', role: 'shadow' })));
    expect(kept).toEqual([ref('d').digest, FACTORY.digest].sort());
  });

  it('stay while a release is wanted, committed, the one before it, or the factory one', () => {
    const world = new CoreWorld().settle();
    for (const [generation, name] of [
      [1, 'b'],
      [2, 'c'],
    ] as const) {
      world.order(desired(generation, name));
      world.settle();
      for (let frame = 0; frame < 12; frame += 1) world.answer();
      world.settle();
      expect(world.state.durable.committed.digest).toBe(ref(name).digest);
    }
    const kept = keptBy(world.order(desired(3, 'd', { name: 'e', role: 'shadow' })));
    expect(kept).toEqual(['b', 'c', 'd', 'e', 'f'].map((name) => ref(name).digest).sort());
  });

  it('are not looked at when an event changes nothing that is kept', () => {
    const world = new CoreWorld().settle();
    world.order(desired(1, 'f', { name: 'c', role: 'shadow' }));
    world.settle();
    const effects = [
      world.order(desired(2, 'f', { name: 'c', role: 'serve' })),
      world.answer(),
      world.wait(1000).effects,
    ];
    expect(effects.map(keptBy)).toEqual([null, null, null]);
  });
});

describe('what is known of a release', () => {
  it('is forgotten with its files: after many candidates there is no more of it than after two', () => {
    const world = new CoreWorld().settle();
    const sizes = [...'0123456789abcde'].map((name, at) => {
      world.order(desired(at + 1, 'f', { name, role: 'serve' }));
      world.settle();
      expect(world.servingDigest()).toBe(ref(name).digest);
      return { holdings: world.state.holdings.size, proofs: world.state.proofs.size };
    });
    expect(sizes.at(-1)).toEqual(sizes[2]);
  });
});
