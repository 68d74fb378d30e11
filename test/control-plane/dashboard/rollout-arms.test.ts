// What each release does by itself: curves of latency in a picture, values beside a verdict.
import { describe, expect, it } from 'vitest';
import { HEIGHT, quantilesOf, WIDTH } from '../../../control-plane/dashboard/charts/quantiles.ts';
import {
  armLines,
  armWord,
  devicesText,
  latencyText,
} from '../../../control-plane/dashboard/pages/rollout/arm-words.ts';
import { changesText } from '../../../control-plane/dashboard/pages/rollout/evidence-words.ts';
import { type RolloutArms, rolloutArmsSchema } from '../../../shared/protocol/api-rollout-arms.ts';

type Arm = RolloutArms['arms'][number];

function armOf(arm: Arm['arm'], latency: Arm['latency']): Arm {
  const counted = { devices: 12, devicesOf: 12, windows: 60, frames: 48_210 };
  return { arm, release: 'weld:1.5.0', ...counted, fromMs: 0, toMs: 60_000, latency };
}

const TAILS = [1, 0.5, 0.1, 0.05, 0.01, 0.001];
const SLOW = armOf('candidate', { p50: 22, p95: 40, p99: 90, curve: [10, 22, 30, 40, 90, 120] });
const USUAL = armOf('control', { p50: 20, p95: 30, p99: 40, curve: [10, 20, 25, 30] });
const ARMS: RolloutArms = rolloutArmsSchema.parse({
  id: 'ro',
  nowMs: 60_000,
  stage: { name: 'some', mode: 'serve' },
  arms: [SLOW, USUAL],
  tails: TAILS,
  guardrails: [
    {
      guardrail: 'p95',
      values: [
        { arm: 'candidate', value: 22.04, unit: 'ms', n: 48_210, counted: 'frame' },
        { arm: 'control', value: 21.4, unit: 'ms', n: 1, counted: 'frame' },
      ],
    },
    { guardrail: 'recall', values: [{ arm: 'control', value: 94.25, unit: '%', n: 640, counted: 'labelled object' }] },
    { guardrail: 'heat', values: [{ arm: 'candidate', value: 51.53, unit: 'C', n: 30, counted: 'window' }] },
  ],
});

describe('the curves', () => {
  it('give each tenfold rarity the same room, and end where no frame is known', () => {
    const picture = quantilesOf(ARMS);
    const [control, candidate] = picture?.curves ?? [];
    expect([control?.arm, candidate?.arm]).toEqual(['control', 'candidate']);
    const xs = candidate?.line.split(' ').map((point) => Number(point.split(',')[0]));
    expect(xs).toEqual([0, 64, 213, 278, 427, 640]);
    expect(control?.line.split(' ')).toHaveLength(4);
    expect(picture?.upright.map(({ name, x }) => `${name} ${x}`)).toEqual([
      'p50 64',
      'p95 278',
      'p99 427',
      `p99.9 ${WIDTH}`,
    ]);
  });

  it('mark the same three shares on each, slower ones higher', () => {
    const [control, candidate] = quantilesOf(ARMS)?.curves ?? [];
    expect(control?.dots.map(({ x }) => x)).toEqual(candidate?.dots.map(({ x }) => x));
    expect((candidate?.dots[2]?.y ?? 0) < (control?.dots[2]?.y ?? 0)).toBe(true);
    for (const { y } of [...(control?.dots ?? []), ...(candidate?.dots ?? [])]) {
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(HEIGHT);
    }
  });

  it('are not drawn before a frame was answered', () => {
    expect(quantilesOf({ tails: TAILS, arms: [armOf('candidate', null)] })).toBeNull();
    expect(quantilesOf({ tails: TAILS, arms: [] })).toBeNull();
  });
});

describe('the values', () => {
  it('carry their unit, what they rest on, and whose they are', () => {
    expect(armLines(ARMS, 'p95')).toEqual([
      { word: 'candidate', value: '22 ms', n: '48,210 frames, 12 devices' },
      { word: 'controls (baseline)', value: '21.4 ms', n: '1 frame, 12 devices' },
    ]);
    expect(armLines(ARMS, 'recall')).toEqual([{ word: 'baseline', value: '94.3 %', n: '640 labelled objects' }]);
    expect(armLines(ARMS, 'heat')[0]?.value).toBe('51.5 °C');
    expect(armLines(ARMS, 'nobody')).toEqual([]);
    expect(armLines(null, 'p95')).toEqual([]);
  });

  it('call the baseline beside a shadow what it is', () => {
    const shadow = { stage: { name: 'look', mode: 'shadow' } };
    expect(armWord('candidate', shadow)).toBe('candidate (shadow)');
    expect(armWord('control', shadow)).toBe('baseline');
    expect(armWord('past', ARMS)).toBe('same devices before');
  });

  it('say of how many devices when not all were added up', () => {
    expect(devicesText({ devices: 32, devicesOf: 4000 })).toBe('32 of 4,000 devices');
    expect(devicesText({ devices: 1, devicesOf: 1 })).toBe('1 device');
    expect(latencyText(undefined)).toBe('–');
    expect(latencyText(1234.5)).toBe('1,235 ms');
  });

  it('stand beside what each arm changed by', () => {
    const verdict = { limitText: '≤ +10 %', unit: '%', n: 4 } as Parameters<typeof changesText>[0];
    const evidence = { candidate: { devices: 3, mean: 4.1 }, control: { devices: 9, mean: -0.3 }, shows: 'change' };
    expect(changesText(verdict, evidence as Parameters<typeof changesText>[1])).toBe(
      'change against its own past: candidate +4.1 % (3 devices), controls −0.3 % (9 devices)',
    );
    expect(changesText(verdict, undefined)).toBe('4 devices');
  });
});
