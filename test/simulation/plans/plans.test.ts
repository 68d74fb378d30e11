// Every worked plan, read from scripts/examples, on the simulated fleet: the good candidate completes, the bad one is stopped by
// the rule that the plan has for it, and what is not good enough stays where it is.
import { describe, expect, it } from 'vitest';
import { PLAN_CASES } from './plan-cases.ts';
import { runPlan } from './plan-life.ts';

const SEED = 1;

describe.each(PLAN_CASES)('plan $plan', ({ file, good, bad, stoppedBy, stage, stays, fault }) => {
  it('brings a good candidate to everybody', () => {
    expect(runPlan({ file, candidate: good, seed: SEED })).toMatchObject({ end: 'completed' });
  });

  it(`is stopped by ${stoppedBy} when: ${fault}`, () => {
    expect(runPlan({ file, candidate: bad, seed: SEED })).toMatchObject({ end: 'rolled_back', by: stoppedBy, stage });
  });

  if (stays)
    it(`keeps in ${stays.stage} what is harmless and not good enough`, () => {
      const ended = runPlan({ file, candidate: stays.candidate, seed: SEED });
      expect(ended).toMatchObject({ end: 'held', stage: stays.stage });
      expect(ended.reason).toMatch(stays.because);
    });
});
