// The verdict on a camera, sign by sign, on made-up statistics.
import { describe, expect, it } from 'vitest';
import {
  judgeHealth,
  learnHealth,
  openHealth,
  populationShift,
  REFERENCE_SAMPLES,
} from '../../../agent/telemetry/camera-health.ts';
import type { HealthSample } from '../../../agent/telemetry/outcome.ts';

const NOMINAL: HealthSample = {
  lumaHistogram: [0.02, 0.1, 0.3, 0.3, 0.2, 0.05, 0.02, 0.01],
  sharpness: 222,
  saturatedShare: 0,
  redBlueRatio: 0.98,
};
const DIM = { ...NOMINAL, lumaHistogram: [0.1, 0.4, 0.35, 0.1, 0.05, 0, 0, 0] };
const NO_STATIC = { value: 0.01, count: 500 };

function judge(sample: HealthSample, staticShare = NO_STATIC, reference: HealthSample | null = NOMINAL) {
  let state = openHealth(reference);
  for (let i = 0; i < 10; i += 1) state = learnHealth(state, sample);
  return judgeHealth(state, staticShare);
}

describe('judgeHealth', () => {
  it('finds nothing on a camera that looks as it always did', () => {
    expect(judge(NOMINAL)).toEqual({
      lumaShift: expect.closeTo(0, 10),
      sharpnessRatio: expect.closeTo(1, 10),
      saturatedShare: 0,
      redBlueRatio: expect.closeTo(0.98, 10),
      healthy: true,
      finding: null,
    });
  });

  // The conditions and figures of a line under damage; each is found by its own sign.
  it.each([
    ['dim light', DIM, /brightness has shifted/],
    ['defocus', { ...NOMINAL, sharpness: 157 }, /blurred \(sharpness ×0\.71/],
    ['noise', { ...NOMINAL, sharpness: 2380 }, /noisy/],
    ['overexposure', { ...NOMINAL, saturatedShare: 0.102 }, /10\.2 % of the pixels saturated/],
    ['warm light', { ...NOMINAL, redBlueRatio: 1.48 }, /colour has shifted \(red\/blue ×1\.51/],
    ['cold light', { ...NOMINAL, redBlueRatio: 0.8 }, /colour has shifted/],
  ])('finds %s', (_, sample, sentence) => {
    const verdict = judge(sample);
    expect(verdict.healthy).toBe(false);
    expect(verdict.finding).toMatch(sentence);
  });

  it('finds dirt on the lens by detections that stay in place, once there are enough of them', () => {
    expect(judge(NOMINAL, { value: 0.32, count: 200 }).finding).toMatch(/32\.0 % of the detections stay in place/);
    expect(judge(NOMINAL, { value: 0.32, count: 19 }).healthy).toBe(true);
  });

  it('says all it finds', () => {
    expect(judge({ ...DIM, sharpness: 100 }).finding).toMatch(/brightness.*; blurred/);
  });

  it('finds a camera that repeats one picture, however good it looks, also before it has a reference', () => {
    const frozen = { ...NOMINAL, frozenMs: 31_400 };
    const finding = 'the very same picture for 31 s (has the camera or its encoder frozen?)';
    expect(judge(frozen)).toMatchObject({ healthy: false, finding, saturatedShare: 0 });
    expect(judgeHealth(learnHealth(openHealth(null), frozen), NO_STATIC)).toMatchObject({ healthy: false, finding });
    expect(judge({ ...NOMINAL, frozenMs: null }).healthy).toBe(true);
  });

  it('forgives it with the first picture that is another', () => {
    let state = openHealth(NOMINAL);
    for (let i = 0; i < 10; i += 1) state = learnHealth(state, { ...NOMINAL, frozenMs: 40_000 });
    expect(judgeHealth(learnHealth(state, NOMINAL), NO_STATIC).healthy).toBe(true);
  });

  it('tolerates what a healthy line does by itself', () => {
    const usual = { ...NOMINAL, sharpness: 250, redBlueRatio: 1.05, saturatedShare: 0.01 };
    expect(judge({ ...usual, lumaHistogram: [0.03, 0.12, 0.29, 0.27, 0.2, 0.06, 0.02, 0.01] }).healthy).toBe(true);
  });

  it('says nothing before there are enough samples, and nothing without a reference', () => {
    let state = openHealth(NOMINAL);
    for (let i = 0; i < 4; i += 1) state = learnHealth(state, DIM);
    expect(judgeHealth(state, NO_STATIC).healthy).toBeNull();
    expect(judge(DIM, NO_STATIC, null)).toMatchObject({ healthy: null, lumaShift: null, finding: null });
  });
});

describe('learnHealth', () => {
  it('makes the reference of the first samples and then leaves it alone', () => {
    let state = openHealth(null);
    for (let i = 0; i < REFERENCE_SAMPLES; i += 1) state = learnHealth(state, NOMINAL);
    expect(state.reference?.sharpness).toBeCloseTo(222, 6);
    for (let i = 0; i < 100; i += 1) state = learnHealth(state, DIM);
    expect(judgeHealth(state, NO_STATIC).healthy).toBe(false);
  });

  it('does not learn from blank or blinded pictures', () => {
    let state = openHealth(null);
    for (let i = 0; i < 100; i += 1) {
      state = learnHealth(state, { ...NOMINAL, sharpness: 0 });
      state = learnHealth(state, { ...NOMINAL, saturatedShare: 0.5 });
    }
    expect(state.reference).toBeNull();
  });

  it('does not learn from a camera that stands still', () => {
    let state = openHealth(null);
    for (let i = 0; i < 100; i += 1) state = learnHealth(state, { ...NOMINAL, frozenMs: 40_000 });
    expect(state.reference).toBeNull();
  });

  it('starts over when the bins are others than those it knows', () => {
    const state = learnHealth(openHealth(NOMINAL), { ...NOMINAL, lumaHistogram: [0.5, 0.5] });
    expect(state.reference).toBeNull();
    expect(state.recent).toHaveLength(1);
  });
});

describe('populationShift', () => {
  it('is 0 for the same, symmetric, and finite for empty bins', () => {
    expect(populationShift([0.5, 0.5], [0.5, 0.5])).toBe(0);
    expect(populationShift([0.2, 0.8], [0.6, 0.4])).toBeCloseTo(populationShift([0.6, 0.4], [0.2, 0.8]), 12);
    expect(populationShift([1, 0], [0, 1])).toBeLessThan(20);
  });
});
