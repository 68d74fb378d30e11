// The fleet simulator of decisions: the same seed gives the same run, the checked-in table is what the code says, and what
// must never be promoted is not, while what may be is.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openWindowMaker } from '../../../control-plane/core/simulated/windows.ts';
import { compareRules, RULE_NAMES, SLICE, sliceLines } from './comparison.ts';
import { FIGURES, openTools } from './figures.ts';
import { HOLES, lookAt, readNoDataRules } from './missing-histories.ts';
import { runMany } from './run-pool.ts';
import { measureTicks } from './tick-cost.ts';

const SEEDS = [1, 2];

describe('the simulated judge', () => {
  it('finds the same at the same minute for the same seed, on a thread of its own too', async () => {
    const figure = FIGURES.find(({ id }) => id === 'detect.p95+20');
    const here = SEEDS.map((seed) => figure?.run(seed, openTools()));
    const [first, second] = await runMany({ what: 'detect.p95+20', from: 1, count: 2, threads: 2 });
    expect([...(first ?? []), ...(second ?? [])]).toEqual(here);
    expect(here.some((outcome) => outcome?.isHit)).toBe(true);
  });

  it('is what the checked-in table says, beside other rules', () => {
    const table = readFileSync(new URL('./TABLE.txt', import.meta.url), 'utf8');
    for (const name of RULE_NAMES) expect(table).toContain(name);
    const runs = Array.from({ length: SLICE.seeds }, (_, at) =>
      compareRules(at + 1, SLICE.effectPct, openWindowMaker()),
    );
    for (const line of sliceLines(runs)) expect(table.split('\n')).toContain(line);
  });

  it('never promotes a history with a hole, and promotes the same one without it', () => {
    const tools = { rules: readNoDataRules(), makeWindow: openWindowMaker() };
    const seeds = Array.from({ length: 40 }, (_, at) => at + 1);
    const promoted = seeds.filter((seed) => ['promote', 'complete'].includes(lookAt(seed, null, tools)));
    expect(promoted.length).toBeGreaterThan(seeds.length / 4);
    const wrong = promoted.flatMap((seed) =>
      HOLES.filter((hole) => ['promote', 'complete'].includes(lookAt(seed, hole, tools))).map(
        (hole) => `${seed} ${hole}`,
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('measures ticks: each gives a time, and the heap is looked at', () => {
    const { value, detail } = measureTicks({ devices: 40 });
    expect(value).toBeGreaterThanOrEqual(0);
    expect(JSON.parse(detail)).toMatchObject({ firstTickMs: expect.any(Number), heapGrowthMb: expect.any(Number) });
  });

  it('has a goal for every figure, and says whether it is met', () => {
    for (const { id, summarise } of FIGURES) {
      const row = summarise([{ isHit: false, value: 5000, detail: '{}' }]);
      expect(row.goal, id).not.toBe('');
      // A run in which nothing happened is good where nothing may happen.
      expect(row.met, id).toBe(/^(false-rollback|promote.no-data)/.test(id));
    }
  });
});
