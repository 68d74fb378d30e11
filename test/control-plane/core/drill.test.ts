// What a drill has shown: promises against measured times, and what is never a pass.
import { describe, expect, it } from 'vitest';
import { type DrillFacts, failedDrill, judgeDrill } from '../../../control-plane/core/drill.ts';

const AT = 1_700_000_000_000;
const GOOD: DrillFacts = {
  failure: 'slow',
  assigned: 3,
  exposed: 3,
  firstBadAtMs: AT,
  detected: { atMs: AT + 8_000, by: 'cam-1 itself' },
  decided: { atMs: AT + 9_000, by: 'the control plane (device-trip-wire)' },
  backAtMs: AT + 20_000,
  stragglers: [],
  timeline: [{ atMs: AT + 8_000, text: 'cam-1 breach' }],
  assumptions: [],
};

describe('the result of a drill', () => {
  it('counts from the first bad frame and from the decision', () => {
    const result = judgeDrill(GOOD);
    expect(result.passed).toBe(true);
    expect(result.promises).toMatchObject([
      { limitMs: 120_000, tookMs: 20_000, kept: true },
      { limitMs: 60_000, tookMs: 11_000, kept: true },
    ]);
    expect(result).toMatchObject({ detectedAfterMs: 8_000, decidedAfterMs: 9_000, backAfterMs: 20_000 });
    expect(result.timeline).toEqual([{ afterMs: 8_000, text: 'cam-1 breach' }]);
    expect(result.sentence).toMatch(
      /found by cam-1 itself after 8.0 s; .* 20 s \(limit 120 s\), .* 11 s \(limit 60 s\)$/,
    );
  });

  it('is no pass when a promise is only just missed, nobody found it, it never showed, or a device is not back', () => {
    const cases: readonly (readonly [Partial<DrillFacts>, RegExp])[] = [
      [{ backAtMs: AT + 120_000 }, /not kept/],
      [{ decided: { atMs: AT + 9_000, by: 'on-call' }, backAtMs: AT + 69_000 }, /not kept/],
      [{ detected: null }, /nobody found/],
      [{ firstBadAtMs: null, exposed: 0 }, /never showed/],
      [{ backAtMs: null, stragglers: ['cam-2'] }, /did not come back: cam-2/],
      [{ stragglers: ['cam-3'] }, /not back: cam-3/],
      [{ decided: null }, /not kept/],
    ];
    for (const [change, words] of cases) {
      const result = judgeDrill({ ...GOOD, ...change });
      expect([result.passed, result.sentence]).toEqual([false, expect.stringMatching(words)]);
    }
    expect(failedDrill('it could not start')).toMatchObject({ passed: false, sentence: 'it could not start' });
  });
});
