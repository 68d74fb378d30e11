// Golden scores in pixels: what is counted for a picture, through letterboxes and coarser grids, and what a tally makes of it.
import { describe, expect, it } from 'vitest';
import { openMaskTally, overlapOf } from '../../../agent/core/mask-score.ts';
import { gridView } from '../../../agent/golden-truth.ts';
import { type GoldenScore, goldenScoreSchema } from '../../../shared/protocol/golden-score.ts';
import type { InputContract } from '../../../shared/release/manifest.ts';
import { maskSchema } from '../../../shared/release/mask.ts';
import { MASK_NUMBERS_MAX, maskOf, pixelsOf } from '../../../shared/release/mask-runs.ts';

const NAMES: Readonly<Record<string, string>> = { c: 'crack', s: 'spill' };
const drawn = (...rows: string[]) => {
  const mask = maskOf(rows[0]!.length, rows.length, (pixel) => NAMES[rows.join('')[pixel]!] ?? null);
  if (mask === null) throw new Error('too large');
  return mask;
};
const SAME = { stepX: 1, stepY: 1, fromX: 0, fromY: 0 };
const contractOf = (fit: InputContract['fit'], side: number) =>
  ({ shape: [1, side, side, 3], layout: 'NHWC', fit }) as InputContract;

describe('a mask', () => {
  it('is runs, and the pixels that it was made of', () => {
    const mask = drawn('cc..', '..ss', 's..c');
    expect(mask.regions).toEqual([
      { label: 'crack', runs: [0, 2, 11, 1] },
      { label: 'spill', runs: [6, 3] },
    ]);
    expect([...pixelsOf(mask, ['spill', 'crack'])]).toEqual([2, 2, 0, 0, 0, 0, 1, 1, 1, 0, 0, 2]);
    expect(maskSchema.parse(mask)).toEqual(mask);
  });

  it.each([[[0, 3, 2, 1]], [[11, 2]], [[4]], [[3, 0]]])('with the runs %j is refused', (runs) => {
    const parsed = maskSchema.safeParse({ width: 4, height: 3, regions: [{ label: 'crack', runs }] });
    expect(parsed.error?.issues[0]?.message).toContain('the runs of crack must be pairs of start and length');
  });

  it('that is shattered is none', () => {
    expect(maskOf(MASK_NUMBERS_MAX, 2, (pixel) => (pixel % 2 === 0 ? 'crack' : null))).toBeNull();
  });
});

describe('overlapOf', () => {
  it('counts what both have and what either has, class by class', () => {
    const truth = drawn('ccc.', 'sss.');
    const answer = drawn('.ccc', 'ssss');
    expect(overlapOf({ answer, truth, view: SAME })).toEqual([
      { label: 'crack', both: 2, either: 4 },
      { label: 'spill', both: 3, either: 4 },
    ]);
  });

  it('counts a wrong class against both', () => {
    expect(overlapOf({ answer: drawn('ss'), truth: drawn('cc'), view: SAME })).toEqual([
      { label: 'crack', both: 0, either: 2 },
      { label: 'spill', both: 0, either: 2 },
    ]);
  });

  it('finds the labelled pixel under a letterboxed frame, whose padding holds nothing', () => {
    const truth = drawn('cccccccc', 'cccccccc', '........', '........');
    const picture = { width: 8, height: 4 };
    // 8 × 4 in a frame of 8 × 8: two rows of padding above and below.
    const answer = drawn(
      '........',
      '........',
      'cccccccc',
      'cccccccc',
      '........',
      '........',
      'cccccccc',
      '........',
    );
    const view = gridView(answer, truth, picture, contractOf('letterbox', 8));
    expect(overlapOf({ answer, truth, view })).toEqual([{ label: 'crack', both: 16, either: 24 }]);
  });

  it('compares grids of different fineness at the middle of a pixel', () => {
    const truth = drawn('cc..', 'cc..', '....', '....');
    const answer = drawn('c.', '..');
    const view = gridView(answer, truth, { width: 400, height: 400 }, contractOf('stretch', 256));
    expect(overlapOf({ answer, truth, view })).toEqual([{ label: 'crack', both: 1, either: 1 }]);
  });
});

describe('a tally', () => {
  const score = (label: string, size: GoldenScore['size'] = 'all') =>
    goldenScoreSchema.parse({ class: label, size, objects: 1, found: 1, falseAlarms: 0, ap50: 1 });
  const one = (both: number, either: number) => [{ label: 'crack', both, either }];

  it('tells each class the sums of its groups of pictures, and counts a picture once', () => {
    const tally = openMaskTally('abc', 3);
    tally.add(0, one(1, 2));
    tally.add(2, one(3, 4));
    tally.add(2, one(9, 9));
    const scores = tally.attach([score('*'), score('crack'), score('crack', 'small'), score('spill')], new Set([0, 2]));
    expect(scores.map(({ pixels }) => pixels ?? null)).toEqual([
      null,
      {
        set: 'abc',
        groups: [
          [1, 2],
          [0, 0],
          [3, 4],
        ],
      },
      null,
      {
        set: 'abc',
        groups: [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      },
    ]);
  });

  it('stays silent when the answer to a labelled picture came without pixels', () => {
    const tally = openMaskTally('abc', 2);
    tally.add(0, one(1, 2));
    expect(tally.attach([score('crack')], new Set([0, 1]))).toEqual([score('crack')]);
  });

  it('is no longer for a thousand pictures', () => {
    const tally = openMaskTally('abc', 1000);
    for (let picture = 0; picture < 1000; picture += 1) tally.add(picture, one(1, 2));
    const [scored] = tally.attach([score('crack')], new Set([999]));
    expect(scored?.pixels?.groups.length).toBe(64);
    expect(scored?.pixels?.groups.reduce((sum, [both]) => sum + both, 0)).toBe(1000);
    expect(goldenScoreSchema.parse(scored)).toEqual(scored);
  });
});
