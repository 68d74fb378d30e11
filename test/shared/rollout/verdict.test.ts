// Verdicts that were stored before they said by which boundary must go on being read.
import { describe, expect, it } from 'vitest';
import { verdictSchema } from '../../../shared/rollout/verdict.ts';

const OLD = {
  guardrail: 'p95',
  title: 'p95 latency',
  limitText: '≤ +10 %',
  enforce: 'rollback',
  verdict: 'pass',
  sentence: 'p95 latency +1 % is inside its limit ≤ +10 %',
  n: 3,
  controls: 9,
  level: 'hardware',
  spread: 'between devices',
  estimate: 1,
  low: -1,
  high: 3,
  limitLow: null,
  limitHigh: 10,
  unit: '%',
  count: 900,
  minimums: [],
  excluded: {},
  blind: [],
};

describe('a stored verdict', () => {
  it('of device-paired-t/1 is read as it was written', () => {
    expect(verdictSchema.parse(OLD)).toEqual(OLD);
  });

  it('says what decided it, on which part of the fleet, and what it needs', () => {
    const now = {
      ...OLD,
      slice: 'x86',
      slices: [{ slice: 'x86', verdict: 'pass', n: 2, estimate: 1, low: -1, high: 3 }],
      alpha: 0.0125,
      boundary: 'always-valid',
      window: [1, 2],
      needs: '~8 more devices or ~25 min',
    };
    expect(verdictSchema.parse(now)).toEqual(now);
    expect(verdictSchema.safeParse({ ...now, slices: [{ slice: 'x86' }] }).success).toBe(false);
  });
});
