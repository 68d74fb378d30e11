// Lot-code strips: pinned bytes, legal texts, and labels that lie where the characters are.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDotSet } from '../../../../agent/frames/line/glyphs.ts';
import { LOT_CODE_CHARACTERS, LOT_CODE_LENGTH, renderLotCode } from '../../../../agent/frames/line/lot-code.ts';

const CLEAR = { contrast: 0.4, blur: 0.4, noise: 0, drop: 0, gain: 1, wear: 0 };

describe('renderLotCode', () => {
  it('gives the bytes it always gave', () => {
    const strips = [1, 2].map((seed) => renderLotCode({ seed }));
    expect(
      strips.map(({ text, grey }) => `${text} ${createHash('sha256').update(grey).digest('hex').slice(0, 16)}`),
    ).toEqual(['B2-3FZJC c762aaf306e60729', 'U1-SDZLB 84ab57ac16281566']);
  });

  it('writes a letter, a digit, a dash and five of any, without I or O', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { text } = renderLotCode({ seed });
        expect(text).toMatch(/^[A-HJ-NP-Z][0-9]-[0-9A-HJ-NP-Z]{5}$/);
        expect(text).toHaveLength(LOT_CODE_LENGTH);
      }),
    );
  });

  it('says where each character stands, left to right and on the strip', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { centers, text, grey, width, height } = renderLotCode({ seed });
        expect(grey).toHaveLength(width * height);
        expect(centers).toHaveLength(text.length);
        expect(centers.every((center, i) => center > (centers[i - 1] ?? 0) && center < width)).toBe(true);
      }),
    );
  });

  it('marks darker where the characters are', () => {
    const { grey, centers, width, height } = renderLotCode({ seed: 4, text: 'H8-BBBBB', condition: CLEAR });
    const columnMean = (x: number) =>
      Array.from({ length: height }, (_, y) => grey[y * width + x]!).reduce((a, b) => a + b) / height;
    const onText = centers.map((center) => columnMean(Math.round(center)));
    const left = columnMean(0);
    expect(Math.max(...onText)).toBeLessThan(left + 12);
    expect(Math.min(...onText)).toBeLessThan(left - 8);
  });

  it('draws nothing for a character outside the alphabet', () => {
    expect([0, 1, 2, 3, 4].some((column) => isDotSet('?', column, 3))).toBe(false);
  });
});

describe('the alphabet', () => {
  it('gives every character its own dots', () => {
    const dots = [...LOT_CODE_CHARACTERS].map((character) =>
      Array.from({ length: 35 }, (_, i) => (isDotSet(character, i % 5, Math.floor(i / 5)) ? '#' : '.')).join(''),
    );
    expect(new Set(dots).size).toBe(35);
    expect(dots[LOT_CODE_CHARACTERS.indexOf('L')]).toBe('#....#....#....#....#....#....#####');
  });
});
