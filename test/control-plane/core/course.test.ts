// Which moments of a course are kept, and which are forgotten.
import { describe, expect, it } from 'vitest';
import {
  type CourseMoment,
  isKept,
  isTurn,
  linesOf,
  MOMENTS_MAX,
  momentsToForget,
} from '../../../control-plane/core/course.ts';
import type { VerdictKind } from '../../../shared/rollout/verdict.ts';

function momentAt(atMs: number, verdict: VerdictKind = 'pass', stage = 'some'): CourseMoment {
  const numbers = { estimate: 2, low: 1, high: 3, limitLow: null, limitHigh: 10, n: 5 };
  return { atMs, stage, points: [{ guardrail: 'p95', verdict, ...numbers }] };
}

describe('isKept', () => {
  it('keeps every moment of a short rollout, and fewer of a long one', () => {
    const close = { firstAtMs: 0, last: momentAt(10_000) };
    expect(isKept(close, momentAt(11_000))).toBe(true);
    const long = { firstAtMs: 0, last: momentAt(86_400_000) };
    expect(isKept(long, momentAt(86_400_000 + 60_000))).toBe(false);
    expect(isKept(long, momentAt(86_400_000 + 180_000))).toBe(true);
  });

  it('keeps a turn however close it is', () => {
    const long = { firstAtMs: 0, last: momentAt(86_400_000) };
    expect(isKept(long, momentAt(86_400_001, 'breach'))).toBe(true);
    expect(isKept(long, momentAt(86_400_001, 'pass', 'full'))).toBe(true);
    expect(isTurn(null, momentAt(1))).toBe(true);
  });
});

describe('momentsToForget', () => {
  const many = (count: number, turnEvery: number) =>
    Array.from({ length: count }, (_, at) => ({ atMs: at, isTurn: at % turnEvery === 0 }));

  it('forgets nothing while there is room', () => {
    expect(momentsToForget(many(MOMENTS_MAX, 1))).toEqual([]);
  });

  it('leaves the turns, the first and the newest', () => {
    const forgotten = new Set(momentsToForget(many(MOMENTS_MAX + 1, 50)));
    expect(forgotten.size).toBe(201);
    expect([0, 50, 250, 450, 500].some((atMs) => forgotten.has(atMs))).toBe(false);
    const gaps = [...forgotten].sort((a, b) => a - b).map((atMs, at, all) => atMs - (all[at - 1] ?? atMs));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5);
  });

  it('stays below its limit where every moment is a turn', () => {
    const forgotten = momentsToForget(many(MOMENTS_MAX + 1, 1));
    expect(forgotten).toHaveLength(201);
    expect(forgotten).not.toContain(0);
    expect(forgotten).not.toContain(MOMENTS_MAX);
  });
});

describe('linesOf', () => {
  it('leaves a gap where a guardrail was not judged', () => {
    const empty: CourseMoment = { atMs: 2, stage: 'some', points: [] };
    const [line] = linesOf([momentAt(1), empty, momentAt(3, 'breach')]);
    expect(line).toMatchObject({ guardrail: 'p95', verdict: ['pass', null, 'breach'], estimate: [2, null, 2] });
    expect(line?.limitHigh).toEqual([10, null, 10]);
  });
});
