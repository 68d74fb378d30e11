// The camera's verdict on pictures of the synthetic line: quiet while all is well, and right about each damage.
import { describe, expect, it } from 'vitest';
import { judgePicture } from '../../../agent/frames/health.ts';
import type { ConditionName } from '../../../agent/frames/line/conditions.ts';
import { conditionOf, lineNamed } from '../../../agent/frames/line/lines.ts';
import { FRAME_SIZE, renderFrame } from '../../../agent/frames/line/scene.ts';
import { type HealthState, judgeHealth, learnHealth, openHealth } from '../../../agent/telemetry/camera-health.ts';

const NO_TRACKS_SEEN = { value: null, count: 0 };
/** A picture a second from a belt that moves 8 px a frame at 15 fps. */
const PX_PER_SAMPLE = 120;

function film(state: HealthState, drift: ConditionName, samples: readonly number[]): HealthState {
  const line = lineNamed('mixed-1');
  if (!line) throw new Error('the line of this test is gone');
  return samples.reduce((before, second) => {
    const condition = conditionOf(line, drift);
    const place = { worldSeed: line.worldSeed, beltOffset: second * PX_PER_SAMPLE, noiseSeed: second };
    const { rgb } = renderFrame({ ...place, condition, mix: line.mix });
    return learnHealth(before, judgePicture(rgb, FRAME_SIZE, FRAME_SIZE));
  }, state);
}

const seconds = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

describe('a camera over the synthetic line', () => {
  const learned = film(openHealth(null), 'nominal', seconds(0, 20));

  it('is found healthy at every later moment', () => {
    let state = learned;
    for (const second of seconds(20, 12)) {
      state = film(state, 'nominal', [second]);
      expect(judgeHealth(state, NO_TRACKS_SEEN)).toMatchObject({ healthy: true, finding: null });
    }
  });

  it.each([
    ['dim', /brightness has shifted/],
    ['bright', /overexposed/],
    ['warm', /^colour has shifted/],
    ['defocus', /^blurred/],
    ['noisy', /noisy/],
  ] as const)('is found out when it is %s', (drift, sentence) => {
    const state = film(openHealth(learned.reference), drift, seconds(3, 5));
    const verdict = judgeHealth(state, NO_TRACKS_SEEN);
    expect(verdict.healthy).toBe(false);
    expect(verdict.finding).toMatch(sentence);
  });
});
