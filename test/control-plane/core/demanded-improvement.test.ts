// A limit on the better side of the baseline: passed only when the improvement is shown, and held for want of it.
import { describe, expect, it } from 'vitest';
import { gatherEvidence } from '../../../control-plane/core/evidence.ts';
import type { GoldenDevice } from '../../../control-plane/core/golden-evidence.ts';
import { judge } from '../../../control-plane/core/judge.ts';
import type { GoldenScore } from '../../../shared/protocol/golden-score.ts';
import { guardrailOf } from './builders.ts';

const scores = (found: number): readonly GoldenScore[] => [
  { class: '*', size: 'all', objects: 2000, found, falseAlarms: 40, ap50: found / 2000 },
];

function verdictOf(baseline: number, candidate: number): string {
  const device: GoldenDevice = {
    device: 'dev-1',
    hardwareClass: 'orin-nx',
    isCandidate: true,
    candidate: scores(candidate),
    baseline: scores(baseline),
  };
  const guardrail = guardrailOf('golden(map50) >= baseline + 2 pt');
  return judge(guardrail, gatherEvidence(guardrail, { candidates: [], controls: [], assigned: 1, golden: [device] }))
    .verdict;
}

describe('golden(map50) >= baseline + 2 pt', () => {
  it('passes a candidate that is clearly better, and never one that may be no better', () => {
    expect(verdictOf(1600, 1760)).toBe('pass');
    expect(verdictOf(1600, 1600)).not.toBe('pass');
    expect(verdictOf(1600, 1640)).toBe('inconclusive');
  });

  it('breaks its limit when the candidate is worse', () => {
    expect(verdictOf(1600, 1480)).toBe('breach');
  });
});
