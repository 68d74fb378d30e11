// The camera's effects, each on a plain grey card: exposure, colour, gamma, dirt, haze, blur and noise do what they say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blurPlane, gaussianKernel, smearRows } from '../../../../agent/frames/line/blur.ts';
import { createCamera, photograph } from '../../../../agent/frames/line/camera.ts';
import {
  CONDITION_NAMES,
  type Condition,
  conditionNamed,
  NOMINAL,
  sampleCondition,
} from '../../../../agent/frames/line/conditions.ts';
import { createRandom } from '../../../../agent/frames/line/random.ts';

const SIZE = 64;
const PLAIN: Condition = { ...NOMINAL, vignette: 0, blur: 0, noise: 0 };

/** Mean red, green and blue of a grey card of that brightness. */
function photographCard(condition: Partial<Condition>, light = 0.5): readonly [number, number, number] {
  const plane = new Float32Array(SIZE * SIZE).fill(light);
  const rgb = photograph(createCamera({ ...PLAIN, ...condition }, SIZE), { red: plane, green: plane, blue: plane }, 1);
  const mean = (channel: number) =>
    rgb.reduce((sum, value, i) => sum + (i % 3 === channel ? value : 0), 0) / plane.length;
  return [mean(0), mean(1), mean(2)];
}

describe('photograph', () => {
  it('reproduces a grey card when nothing is in the way', () => {
    expect(photographCard({})).toEqual([128, 128, 128]);
  });

  it('exposes, tints and bends as set', () => {
    expect(photographCard({ gain: 0.5 })[1]).toBe(64);
    expect(photographCard({ gain: 3 })).toEqual([255, 255, 255]);
    expect(photographCard({ tempR: 1.2, tempB: 0.8 })).toEqual([153, 128, 102]);
    expect(photographCard({ gamma: 2 })[1]).toBe(64);
    expect(photographCard({ gamma: 2, gain: 2 })[1]).toBe(255);
  });

  it('darkens behind dirt and veils with haze', () => {
    expect(photographCard({ dirt: 1 })[1]).toBeLessThan(125);
    expect(photographCard({ dirt: 1 })[1]).toBeLessThan(photographCard({ dirt: 0.5 })[1]);
    expect(photographCard({ haze: 0.5 }, 0.1)[1]).toBeGreaterThan(50);
  });

  it('loses light towards the corners only', () => {
    const plane = new Float32Array(SIZE * SIZE).fill(0.5);
    const rgb = photograph(
      createCamera({ ...PLAIN, vignette: 0.4 }, SIZE),
      { red: plane, green: plane, blue: plane },
      1,
    );
    expect(rgb[(SIZE / 2) * SIZE * 3 + (SIZE / 2) * 3]).toBe(128);
    expect(rgb[0]).toBe(Math.floor(0.5 * 0.6 * 255 + 0.5));
  });

  it('makes noise of the promised strength around the true value', () => {
    const plane = new Float32Array(SIZE * SIZE).fill(0.5);
    const rgb = photograph(createCamera({ ...PLAIN, noise: 0.04 }, SIZE), { red: plane, green: plane, blue: plane }, 7);
    const differences = Array.from(rgb, (value) => value - 127.5);
    const deviation = Math.sqrt(differences.reduce((sum, value) => sum + value * value, 0) / differences.length);
    // Shared and own noise add up to sqrt(0.75² + 0.5²) of the setting.
    expect(deviation / (255 * 0.04 * 0.9014)).toBeCloseTo(1, 1);
    expect(Math.abs(differences.reduce((sum, value) => sum + value, 0) / differences.length)).toBeLessThan(0.5);
  });
});

describe('blurring', () => {
  it('keeps the light of an even plane and of a spot', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.25, max: 5, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (deviation, light) => {
          const even = blurPlane(
            { values: new Float32Array(32 * 8).fill(light), width: 32, height: 8 },
            gaussianKernel(deviation),
          );
          expect(Math.max(...even.map((value) => Math.abs(value - light)))).toBeLessThan(1e-5);
        },
      ),
    );
    const spot = new Float32Array(31 * 31);
    spot[15 * 31 + 15] = 1;
    const blurred = blurPlane({ values: spot, width: 31, height: 31 }, gaussianKernel(2));
    expect(blurred.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 4);
    expect(blurred[15 * 31 + 13]).toBeCloseTo(blurred[17 * 31 + 15]!, 6);
  });

  it('smears along the belt only', () => {
    const spot = new Float32Array(9 * 3);
    spot[9 + 4] = 1;
    const smeared = smearRows({ values: spot, width: 9, height: 3 }, 2);
    expect([...smeared.subarray(9, 18)]).toEqual([0, 0, 0, 0, 0.5, 0.5, 0, 0, 0]);
    expect(smeared.subarray(0, 9).every((value) => value === 0)).toBe(true);
  });
});

describe('conditions', () => {
  it('each differ from nominal, except nominal', () => {
    const texts = CONDITION_NAMES.map((name) => JSON.stringify(conditionNamed(name)));
    expect(new Set(texts).size).toBe(CONDITION_NAMES.length);
    expect(conditionNamed('nominal')).toEqual(NOMINAL);
  });

  it('stay within the plant’s spread when sampled', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const condition = sampleCondition(createRandom(seed));
        expect(Math.abs(condition.gain - 1)).toBeLessThanOrEqual(0.18);
        expect(condition.blur).toBeLessThanOrEqual(0.85);
        expect(condition.motion === 0 || condition.motion >= 1.5).toBe(true);
        expect(condition.dirt).toBe(0);
      }),
    );
  });
});
