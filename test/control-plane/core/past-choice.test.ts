// Which part of a device's own past is compared with: behind its boot, or the hours of the day that the stage runs at.
import { describe, expect, it } from 'vitest';
import { rememberTotals } from '../../../control-plane/core/device-memory.ts';
import type { DeviceHistory, Past, Question } from '../../../control-plane/core/history.ts';
import {
  armOf,
  CANDIDATE,
  guardrailOf,
  historyOf,
  STAGE_QUESTION,
  START_MS,
  selectCandidate,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

const DAY = 1440;

/** One window a minute, each as slow as its hour. */
function windowsOf(from: number, count: number, latencyMs: number, isCandidate = false) {
  const arm = armOf({ latencyMs, ...(isCandidate ? { digest: CANDIDATE, role: 'candidate' as const } : {}) });
  return Array.from({ length: count }, (_, at) => {
    const startAtMs = START_MS + (from + at) * WINDOW_MS;
    return windowOf({ seq: 10 * DAY + from + at, startAtMs, arms: [arm] });
  });
}

/** Minutes of the rollout as those of the day in which the middles of its windows lie. */
function hours(from: number, to: number): NonNullable<Past['alike']> {
  const minuteOf = (minute: number) => Math.floor((START_MS + (minute + 0.5) * WINDOW_MS) / 60_000) % DAY;
  return { fromMinute: minuteOf(from), toMinute: minuteOf(to) };
}

const DEVICE: DeviceHistory = {
  ...historyOf(),
  // Twenty minutes of yesterday at this hour, ten an hour later, thirty of just now.
  before: [...windowsOf(-DAY, 20, 40), ...windowsOf(60 - DAY, 10, 80), ...windowsOf(-30, 30, 20)],
  since: windowsOf(0, 5, 44, true),
};

function pastMs(past: Past | undefined): { windows: number; p50: number | null } {
  const { before } = selectCandidate(DEVICE, { ...STAGE_QUESTION, ...(past ? { past } : {}) });
  const p50 = before.totals.quantile('latency', 0.5);
  return { windows: before.windows, p50: p50 && Math.round(p50) };
}

describe('the past of a device', () => {
  it('counts whole behind a quarter of an hour of boot', () => {
    expect(pastMs(undefined).windows).toBe(45);
    expect(pastMs({ minMs: 0, alike: null }).windows).toBe(45);
  });

  it('of which half is shorter than a boot counts from its middle on', () => {
    const short = { ...DEVICE, before: windowsOf(-10, 10, 20) };
    expect(selectCandidate(short, STAGE_QUESTION).before.windows).toBe(5);
  });

  it('is that of the same hours where it has them', () => {
    const { windows, p50 } = pastMs({ minMs: 15 * 60_000, alike: hours(0, 30) });
    expect(windows).toBe(20);
    expect(p50).toBeGreaterThan(35);
    expect(p50).toBeLessThan(50);
  });

  it('may be of hours that lie on both sides of midnight', () => {
    expect(pastMs({ minMs: 0, alike: { ...hours(0, 30), toMinute: hours(-2, 0).fromMinute } }).windows).toBe(58);
  });

  it('is all of it where those hours are too few', () => {
    expect(pastMs({ minMs: 15 * 60_000, alike: hours(60, 90) }).windows).toBe(45);
    expect(pastMs({ minMs: 0, alike: hours(300, 330) }).windows).toBe(45);
  });

  it('is none when even that is too short, and what the device did in the rollout does not stand in for it', () => {
    const late = { ...DEVICE, since: [...windowsOf(0, 5, 20), ...windowsOf(5, 5, 44, true)] };
    const question = { ...STAGE_QUESTION, past: { minMs: 3_600_000, alike: null } };
    expect(selectCandidate(late, question).before.windows).toBe(0);
    expect(selectCandidate({ ...late, before: [] }, question).before.windows).toBe(5);
  });

  it('is chosen anew for a stage at other hours, after its windows were let go', () => {
    const memory = rememberTotals();
    const guardrails = [guardrailOf('p95(latency_ms) <= baseline * 1.10')];
    const keep: Question['keep'] = { fromMs: START_MS, guardrails };
    const at = (from: number, to: number) =>
      memory.candidate(DEVICE, { ...STAGE_QUESTION, past: { minMs: 0, alike: hours(from, to) }, keep }).before.windows;
    expect([at(0, 30), at(60, 90), at(0, 30), at(300, 330)]).toEqual([20, 10, 20, 45]);
  });
});
