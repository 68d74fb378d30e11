// A guardrail by site and hardware class in a report: in the words of its verdict, whatever scale its evidence is on.
import { describe, expect, it } from 'vitest';
import { slicesOf } from '../../../control-plane/core/report-slices.ts';
import { type Verdict, verdictSchema } from '../../../shared/rollout/verdict.ts';
import { verdict } from '../cli/recorded-documents.ts';

const sliceOf = (of: Partial<Verdict>, more: object) => {
  const change = (device: string, value: number) => ({ site: 'plant-a', device, change: value });
  const evidence = { kind: 'changes', candidates: [change('a', Math.log(3))], controls: [change('b', 0)], ...more };
  const hardware = new Map(['a', 'b'].map((device) => [`plant-a/${device}`, 'orin-nx']));
  return slicesOf({ stage: 'first', verdict: verdictSchema.parse({ ...verdict(), ...of }), evidence, hardware })[0];
};

describe('slicesOf', () => {
  it('shows points above the controls as points of the rate, not as the log ratio they were judged on', () => {
    // Three times what controls show: 0.2 % of 10,000 frames.
    const reference = { rate: 0.002, frames: 10_000 };
    const slice = sliceOf({ unit: 'pt', limitLow: null, limitHigh: 0.3 }, { reference });
    expect(slice).toMatchObject({ devices: 1, controls: 1, within: false });
    expect(slice?.estimate).toBeCloseTo(((20.5 * 2) / 10_000) * 100, 6);
  });

  it('shows other points as they are, and ratios in percent', () => {
    expect(sliceOf({ unit: 'pt' }, {})?.estimate).toBeCloseTo(Math.log(3), 6);
    expect(sliceOf({ unit: '%' }, {})?.estimate).toBeCloseTo(200, 6);
  });
});
