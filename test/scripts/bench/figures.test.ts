// The figures of the benchmark: their ids, and what each needs.
import { describe, expect, it } from 'vitest';
import { figures } from '../../../scripts/bench/figures.ts';

describe('figures', () => {
  it('are known by the ids that people ask for', () => {
    const ids = figures.map((figure) => figure.id).sort();
    expect(ids).toEqual(['kill.effect', 'memory', 'pipeline.fps', 'ring.handover', 'supervisor.lag', 'swap.warm']);
  });
});
