// The condition of a device: the worst that fits wins, and says why in a few words.
import { describe, expect, test } from 'vitest';
import { type ConditionFacts, conditionOf, REVERTED_TOLD_MS } from '../../../control-plane/core/live-condition.ts';
import { learnUsual, tellUnusual, type Usual } from '../../../control-plane/core/usual-pace.ts';

const NOW_MS = 1_700_000_000_000;
const PACE = { fps: 10, p95Ms: 20, temperatureC: 50, throttled: false, throttleReason: null };
const SOUND: ConditionFacts = {
  online: true,
  isAwaited: false,
  isConnected: true,
  phase: 'baseline',
  servingBecause: 'the committed baseline',
  obeyed: [],
  pending: [],
  desiredDigest: null,
  quarantine: [],
  blocked: [],
  pace: PACE,
  usual: null,
  fpsFloor: null,
  temperatureCeilingC: 92,
  nowMs: NOW_MS,
};
const KILL = { id: 'k-1', reason: 'smoke' };
const QUARANTINED = { digest: 'b', release: 'det:2.0.0', reason: '94 °C > 92 °C', sinceMs: NOW_MS - 1000 };
const USUAL: Usual = { digest: 'a', count: 20, fps: 10, p95Ms: 20 };

describe('conditionOf', () => {
  test.each<[string, Partial<ConditionFacts>, string, string]>([
    ['sound', {}, 'ok', ''],
    [
      'nobody answers',
      { phase: 'halted', servingBecause: 'all failed', online: false },
      'halted',
      'nobody answers: all failed',
    ],
    ['gone', { online: false, isConnected: false, obeyed: [KILL] }, 'offline', 'not connected'],
    ['silent', { online: false }, 'offline', 'connected, but silent'],
    ['expected back', { online: false, isAwaited: true }, 'unknown', 'expected back since the control plane started'],
    ['killed', { obeyed: [KILL], quarantine: [QUARANTINED] }, 'killed', 'kill k-1 is in force: smoke'],
    ['kill on its way', { pending: [KILL] }, 'killed', 'kill k-1 is sent and not obeyed yet: smoke'],
    ['went back', { quarantine: [QUARANTINED] }, 'reverted', 'took det:2.0.0 off by itself: 94 °C > 92 °C'],
    [
      'throttled',
      { pace: { ...PACE, throttled: true, throttleReason: 'cpu-package' } },
      'hot',
      'throttled by cpu-package',
    ],
    ['near its limit', { pace: { ...PACE, temperatureC: 89 } }, 'hot', '89 °C, its limit is 92 °C'],
    ['no limit', { pace: { ...PACE, temperatureC: 99 }, temperatureCeilingC: null }, 'ok', ''],
    ['below its floor', { fpsFloor: 12 }, 'slow', '10.0 fps, its floor is 12 fps'],
    ['slower than usual', { usual: USUAL, pace: { ...PACE, p95Ms: 41 } }, 'slow', 'p95 41 ms, usually 20 ms'],
    ['blocked', { blocked: [{ kind: 'camera-lost', reason: 'no picture' }] }, 'blocked', 'camera-lost: no picture'],
    ['a breach without quarantine', { blocked: [{ kind: 'breached', reason: 'too slow' }] }, 'reverted', 'too slow'],
    ['nothing measured', { pace: null }, 'unknown', 'no window has come yet'],
  ])('%s', (_, change, condition, because) => {
    expect(conditionOf({ ...SOUND, ...change })).toEqual({ condition, because });
  });

  test('a release that nobody wants on it any more is told for an hour; one that is desired for as long as it lasts', () => {
    const old = { ...QUARANTINED, sinceMs: NOW_MS - REVERTED_TOLD_MS };
    expect(conditionOf({ ...SOUND, quarantine: [old] }).condition).toBe('ok');
    expect(conditionOf({ ...SOUND, quarantine: [old], desiredDigest: 'b' }).condition).toBe('reverted');
  });

  test('words stay short', () => {
    const { because } = conditionOf({ ...SOUND, blocked: [{ kind: 'load-failed', reason: 'x '.repeat(900) }] });
    expect(because.length).toBeLessThanOrEqual(110);
  });
});

describe('what is usual', () => {
  test('is learnt from some windows, not from the first', () => {
    let usual: Usual | null = null;
    for (let count = 1; count <= 4; count += 1) usual = learnUsual(usual, 'a', { fps: 10, p95Ms: 20 });
    expect(usual && tellUnusual(usual, { fps: 2, p95Ms: 90 })).toBeNull();
    usual = learnUsual(usual, 'a', { fps: 10, p95Ms: 20 });
    expect(usual && tellUnusual(usual, { fps: 2, p95Ms: 20 })).toBe('2.0 fps, usually 10.0 fps');
  });

  test('does not move with a window that is far off, and begins anew with another release', () => {
    expect(learnUsual(USUAL, 'a', { fps: 10, p95Ms: 90 })).toBe(USUAL);
    expect(learnUsual(USUAL, 'c', { fps: 5, p95Ms: 60 })).toEqual({ digest: 'c', count: 1, fps: 5, p95Ms: 60 });
    expect(learnUsual(USUAL, 'a', { fps: null, p95Ms: 90 })).toBe(USUAL);
  });

  test('a few milliseconds more are noise, whatever the ratio', () => {
    expect(tellUnusual({ ...USUAL, p95Ms: 3 }, { fps: 10, p95Ms: 6 })).toBeNull();
  });
});
