// The file that a drill runs as: its own terms are those of worked plan 10, and chosen devices alone get the candidate.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drillFile } from '../../../shared/rollout/drill-file.ts';

const PLAN_10 = readFileSync(new URL('../../../scripts/examples/plans/plan-10-game-day.yaml', import.meta.url), 'utf8');
const INPUT = { name: 'drill-1', candidate: 'cv-detector:0.0.1', forMs: 300_000, cohort: null };

describe('the file of a drill', () => {
  it('has the terms of worked plan 10 when none are given', () => {
    const own = drillFile({ ...INPUT, base: null });
    const given = drillFile({ ...INPUT, base: PLAN_10 });
    if (!own.ok || !given.ok) throw new Error(JSON.stringify([own, given]));
    expect(own.file.spec).toEqual(given.file.spec);
    expect(own.leftOut).toEqual([]);
  });

  it('pins the chosen devices, keeps the others as controls, and requires nothing', () => {
    const made = drillFile({
      ...INPUT,
      base: PLAN_10,
      cohort: { site: 'plant-a', devices: ['cam-1'], controls: ['cam-2'] },
    });
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    const { cohort, stages, requires } = made.file.spec;
    expect(cohort).toMatchObject({ factories: ['plant-a'], pin: { candidate: ['cam-1'], baseline: ['cam-2'] } });
    expect(stages).toMatchObject([{ percent: 100, mode: 'serve', promote: 'manual', bake: 300_000 }]);
    expect(requires).toEqual([]);
  });

  it('says what is wrong with a file that cannot be read, or of which nothing is left', () => {
    expect(drillFile({ ...INPUT, base: 'kind: Rollout' })).toMatchObject({ ok: false });
    const shadowed = PLAN_10.replace(
      /guardrails:\n(?: {4}- .*\n)+/,
      'guardrails:\n    - {id: lost, expr: "rate(lost) <= 5 %", enforce: rollback}\n',
    );
    const stages = shadowed.replace(
      '- {name: half, percent: 50, bake: 30m}',
      '- {name: shadow, percent: 50, mode: shadow, bake: 30m}',
    );
    expect(drillFile({ ...INPUT, base: stages })).toMatchObject({ ok: false });
  });
});
