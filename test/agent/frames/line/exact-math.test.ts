// Our own elementary functions agree with the engine's, and nothing in the room uses the engine's.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { angleOf, cosine, exponential, power, sine, smoothStep } from '../../../../agent/frames/line/exact-math.ts';

const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe('exact-math', () => {
  it('follows sine and cosine over all angles drawn', () => {
    fc.assert(
      fc.property(real(-50, 50), (angle) => {
        expect(Math.abs(sine(angle) - Math.sin(angle))).toBeLessThan(1e-8);
        expect(Math.abs(cosine(angle) - Math.cos(angle))).toBeLessThan(1e-8);
      }),
    );
  });

  it('follows the exponential for negative arguments, and vanishes far out', () => {
    fc.assert(
      fc.property(real(-40, 0), (x) => {
        expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-7);
      }),
    );
    expect(exponential(-1000)).toBe(0);
  });

  it('follows powers of gamma curves', () => {
    fc.assert(
      fc.property(real(0.001, 1), real(0.5, 2), (base, exponent) => {
        expect(Math.abs(power(base, exponent) - base ** exponent)).toBeLessThan(1e-6);
      }),
    );
  });

  it('follows the angle of any point', () => {
    fc.assert(
      fc.property(real(-100, 100), real(-100, 100), (y, x) => {
        fc.pre(Math.abs(x) + Math.abs(y) > 1e-6);
        const turn = Math.abs(angleOf(y, x) - Math.atan2(y, x));
        expect(Math.min(turn, Math.abs(turn - 2 * Math.PI))).toBeLessThan(2e-5);
      }),
    );
  });

  it('steps smoothly in either direction', () => {
    expect([smoothStep(0, 2, -1), smoothStep(0, 2, 1), smoothStep(0, 2, 3)]).toEqual([0, 0.5, 1]);
    expect([smoothStep(2, 0, 3), smoothStep(2, 0, 1), smoothStep(2, 0, -1)]).toEqual([0, 0.5, 1]);
  });
});

describe('the room', () => {
  it('uses no function whose last bit an engine may choose', () => {
    const room = join(import.meta.dirname, '../../../../agent/frames/line');
    const engineChosen =
      /Math\.(sin|cos|tan|asin|acos|atan|atan2|exp|expm1|log|log2|log10|log1p|pow|hypot|cbrt|random)\(|\*\*/;
    const guilty = readdirSync(room).filter((name) =>
      engineChosen.test(withoutComments(readFileSync(join(room, name), 'utf8'))),
    );
    expect(guilty).toEqual([]);
  });
});

const withoutComments = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
