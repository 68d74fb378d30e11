// What the judge finds, and what it leaves alone, in fleets as they are: the figures of `npm run simulate:decisions` on minute levels
// alone and with few seeds. They fail when a share of the error, a degree of freedom or a span of time is lost on the way.
import { describe, expect, it } from 'vitest';
import { judge, STANDARD_RULE } from '../../../control-plane/core/judge.ts';
import { judgeScopes, slicesOf } from '../../../control-plane/core/slices.ts';
import { alphaOf } from '../../../control-plane/core/stage-rule.ts';
import { slowerBy, type Treatment } from '../../../control-plane/simulation/treatments.ts';
import { type Levels, liveLevels } from './device-levels.ts';
import { FIRST_MINUTE, ONE_GUARDRAIL, readRules, TWELVE_DEVICES } from './rollout-texts.ts';

const { spec, guardrails } = readRules({ stages: TWELVE_DEVICES, guardrails: ONE_GUARDRAIL, minimum: FIRST_MINUTE });
const WINDOW = 15;
const LOOKS = [2, 5, 15, 30, 45, 60, 75, 90, 105, 120];

type Found = { readonly minute: number; readonly slice: string | null; readonly boundary: string };

/** Three devices of each of four sites; the first breach of two hours of data. */
function firstBreach(seed: number, treatment: Treatment, looks = LOOKS): Found | null {
  const levels = liveLevels({ seed, treatment, perSite: 3, pastMinutes: 105, minutes: 120, settleMinutes: 3 });
  for (const minute of looks) {
    const { verdict, slice, boundary } = judgedAt(levels, minute);
    if (verdict === 'breach') return { minute, slice: slice ?? null, boundary: boundary ?? '' };
  }
  return null;
}

function judgedAt(levels: Levels, minute: number) {
  const [guardrail] = guardrails;
  if (!guardrail) throw new TypeError('a file without a guardrail');
  const evidence = levels.evidence(0, minute);
  const number = Math.floor(minute / WINDOW);
  const [from, to] = [(number - 1) * WINDOW, number * WINDOW];
  const finished = number === 0 ? null : { evidence: levels.evidence(from, to), number, fromMs: 0, toMs: 1 };
  const slices = slicesOf(spec.analysis.slices, [...evidence.candidates, ...evidence.controls]);
  const rule = { ...STANDARD_RULE, alpha: alphaOf(guardrail, spec), windows: { planned: 10, finished }, slices };
  return judgeScopes(guardrail, evidence, rule);
}

function breaches(runs: number, treatment: Treatment, looks = LOOKS): readonly Found[] {
  return Array.from({ length: runs }, (_, at) => firstBreach(at + 1, treatment, looks)).filter(
    (found) => found !== null,
  );
}

describe('12 of 200 devices', () => {
  it('that become 20 % slower are found in minutes', () => {
    const found = breaches(16, slowerBy(0.2));
    expect(found.length).toBeGreaterThanOrEqual(14);
    expect(found.toSorted((a, b) => a.minute - b.minute)[8]?.minute).toBeLessThanOrEqual(5);
  });

  it('of which one class becomes 30 % slower are found, and the class is named', () => {
    const found = breaches(16, { ...slowerBy(0.3), hardwareClass: 'orin-nx' });
    expect(found.length).toBeGreaterThanOrEqual(15);
    expect(found.filter(({ slice }) => slice === 'orin-nx').length).toBeGreaterThanOrEqual(14);
  });

  it('that become 20 % slower after an hour are found by a window, and not before', () => {
    const found = breaches(24, { ...slowerBy(0.2), onsetMinute: 60 }, [30, 45, 60, 75, 90, 105, 120]);
    expect(found.length).toBeGreaterThanOrEqual(18);
    expect(found.every(({ minute, boundary }) => minute >= 75 && boundary.startsWith('window'))).toBe(true);
  });

  it('that stand exactly at the limit, or within it, are left alone', () => {
    expect(breaches(16, slowerBy(0.1), [5, 30, 60, 90, 120])).toEqual([]);
    expect(breaches(8, slowerBy(0.05), [5, 30, 60])).toEqual([]);
  });
});

describe('a site without controls', () => {
  it('is not stopped for what moves a whole site', () => {
    const [guardrail] = guardrails;
    if (!guardrail) throw new TypeError('a file without a guardrail');
    const stopped = Array.from({ length: 20 }, (_, seed) => {
      const treatment = slowerBy(0.05);
      const input = { seed: seed + 1, treatment, perSite: 50, pastMinutes: 105, minutes: 30, settleMinutes: 3 };
      const evidence = liveLevels(input).evidence(0, 30);
      return judge(guardrail, { ...evidence, controlsAvailable: 0 }, { ...STANDARD_RULE, alpha: 0.0125 }).verdict;
    }).filter((verdict) => verdict === 'breach');
    expect(stopped).toEqual([]);
  });
});
