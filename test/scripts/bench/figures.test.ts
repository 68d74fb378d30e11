// The figures of the benchmark: known by the ids that people ask for, each once.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowIdsOf } from '../../../scripts/bench/choice.ts';
import { figures } from '../../../scripts/bench/figures.ts';

const README = path.resolve(import.meta.dirname, '../../../scripts/bench/README.md');

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

  it('are listed as they call themselves once they are loaded', async () => {
    for (const { load, ...listed } of figures) {
      const { measure, ...loaded } = await load();
      expect(loaded).toEqual(listed);
      expect(measure).toBeTypeOf('function');
    }
  });

  it('stand each with its rows in the README beside them, and no other', () => {
    const text = readFileSync(README, 'utf8');
    const told = [...text.matchAll(/^\| `([a-z0-9.-]+)`/gm)].map(([, id]) => id);
    expect(told.toSorted()).toEqual(figures.flatMap(rowIdsOf).toSorted());
  });
});
