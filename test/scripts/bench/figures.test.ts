// The figures of the benchmark: known by the ids that people ask for, each once.
import { describe, expect, it } from 'vitest';
import { figures } from '../../../scripts/bench/figures.ts';

describe('figures', () => {
  const ids = figures.map((figure) => figure.id);

  it('are known by the ids that people ask for', () => {
    const asked = ['kill.effect', 'memory', 'pipeline.fps.small.raw', 'ring.handover', 'supervisor.lag', 'swap.warm'];
    expect(ids).toEqual(expect.arrayContaining(asked));
    expect(ids.every((id) => /^[a-z0-9]+(\.[a-z0-9]+)*$/.test(id))).toBe(true);
  });

  it('have each an id of its own', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });
});
