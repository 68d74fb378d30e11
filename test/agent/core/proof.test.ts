// The proof: what counts as the same answer, and the scores on the labelled truth.
import { describe, expect, it } from 'vitest';
import { boxIou, scoreGolden } from '../../../agent/core/golden-score.ts';
import { compareReference } from '../../../agent/core/proof.ts';
import type { Answer, Detection } from '../../../shared/release/answers.ts';
import type { GoldenTruth } from '../../../shared/release/golden.ts';

const TOLERANCE = { score: 0.02, boxPx: 2, iou: 0.95, share: 0.98 };
const LABELS = ['scratch', 'dent'];

function found(classId: number, score: number, box: [number, number, number, number] = [10, 10, 40, 40]): Detection {
  return { classId, label: LABELS[classId] ?? '', score, box };
}
const answer = (...detections: Detection[]): Answer => ({ task: 'detection', detections });
const compare = (own: Answer[], expected: Answer[]) => compareReference(own, expected, TOLERANCE, 0.4);

describe('compareReference', () => {
  const reference = [answer(found(0, 0.9)), answer(found(1, 0.8)), answer()];

  it('passes on the same answers and on answers within the tolerance', () => {
    expect(compare(reference, reference)).toMatchObject({ passed: true, met: 2, total: 2 });
    const near = [answer(found(0, 0.885, [11, 9, 41, 39])), answer(found(1, 0.8)), answer()];
    expect(compare(near, reference).passed).toBe(true);
  });

  const wrong: readonly [string, Answer[], string][] = [
    [
      'shuffled labels',
      [answer(found(1, 0.9)), answer(found(0, 0.8)), answer()],
      'scratch 0.900 at 10,10,40,40 is missing',
    ],
    ['another score', [answer(found(0, 0.7)), answer(found(1, 0.8)), answer()], 'is missing'],
    ['a box that has moved', [answer(found(0, 0.9, [18, 10, 40, 40])), answer(found(1, 0.8)), answer()], 'is missing'],
    [
      'an object too many',
      [answer(found(0, 0.9)), answer(found(1, 0.8)), answer(found(0, 0.6))],
      'is not in the reference',
    ],
    ['nothing at all', [answer(), answer(), answer()], 'is missing'],
    ['a missing frame', [answer(found(0, 0.9))], 'no answer'],
    ['another task', [{ task: 'ocr', text: 'A', score: 1, accepted: true }, answer(), answer()], 'answered as ocr'],
  ];
  for (const [what, own, reason] of wrong) {
    it(`fails on ${what}, naming the frame`, () => {
      const comparison = compare(own, reference);
      expect(comparison.passed).toBe(false);
      expect(comparison.reason).toContain(reason);
      expect(comparison.reason).toContain('frame ');
    });
  }

  it('lets an object near the threshold be there or not', () => {
    expect(compare([answer(found(0, 0.41))], [answer()]).passed).toBe(true);
    expect(compare([answer()], [answer(found(0, 0.41))]).passed).toBe(true);
  });

  it('compares classes by their best, and texts letter by letter', () => {
    const classes = (classId: number, score: number): Answer => ({
      task: 'classification',
      classes: [{ classId, label: LABELS[classId] ?? '', score }],
    });
    expect(compare([classes(0, 0.9)], [classes(0, 0.91)]).passed).toBe(true);
    expect(compare([classes(1, 0.9)], [classes(0, 0.9)]).passed).toBe(false);
    const text = (said: string): Answer => ({ task: 'ocr', text: said, score: 0.9, accepted: true });
    expect(compare([text('LOT8')], [text('LOT8')]).passed).toBe(true);
    expect(compare([text('LOTB')], [text('LOT8')]).reason).toContain('read "LOTB"');
  });
});

describe('scoreGolden', () => {
  const truth = (label: string, size: 'small' | 'large', visible = 1): GoldenTruth => ({
    label,
    size,
    visible,
    box: size === 'small' ? [10, 10, 10, 10] : [10, 10, 40, 40],
  });
  const scoreOf = (answers: Answer[], truths: GoldenTruth[][], of: string, size = 'all') =>
    scoreGolden(
      answers,
      truths.map((objects) => ({ objects })),
    ).find((score) => score.class === of && score.size === size);

  it('counts found, missed and false alarms per class', () => {
    const truths = [[truth('scratch', 'large')], [truth('scratch', 'large')], [truth('dent', 'large')]];
    const answers = [answer(found(0, 0.9)), answer(found(1, 0.8)), answer(found(1, 0.7))];
    expect(scoreOf(answers, truths, 'scratch')).toMatchObject({ objects: 2, found: 1, falseAlarms: 0, ap50: 0.5 });
    expect(scoreOf(answers, truths, 'dent')).toMatchObject({ objects: 1, found: 1, falseAlarms: 1, ap50: 0.5 });
    expect(scoreOf(answers, truths, '*')).toMatchObject({ objects: 3, found: 2, falseAlarms: 1, ap50: 0.5 });
  });

  it('neither demands nor counts against what is mostly outside the picture', () => {
    const truths = [[truth('scratch', 'large', 0.3)]];
    expect(scoreOf([answer()], truths, 'scratch')).toMatchObject({ objects: 0, falseAlarms: 0, ap50: null });
    expect(scoreOf([answer(found(0, 0.9))], truths, 'scratch')).toMatchObject({ objects: 0, found: 0, falseAlarms: 0 });
  });

  it('keeps sizes apart, false alarms by the size of their box', () => {
    const truths = [[truth('scratch', 'small')], [truth('scratch', 'large')]];
    const answers = [answer(found(0, 0.9, [10, 10, 10, 10]), found(0, 0.8, [100, 100, 8, 8])), answer()];
    expect(scoreOf(answers, truths, 'scratch', 'small')).toMatchObject({ objects: 1, found: 1, falseAlarms: 1 });
    expect(scoreOf(answers, truths, 'scratch', 'large')).toMatchObject({
      objects: 1,
      found: 0,
      falseAlarms: 0,
      ap50: 0,
    });
  });

  it('counts a second answer on the same object as a false alarm', () => {
    const answers = [answer(found(0, 0.9), found(0, 0.8))];
    expect(scoreOf(answers, [[truth('scratch', 'large')]], 'scratch')).toMatchObject({
      found: 1,
      falseAlarms: 1,
      ap50: 1,
    });
  });

  it('scores texts by the whole line', () => {
    const text = (said: string, accepted = true): Answer => ({ task: 'ocr', text: said, score: 0.9, accepted });
    const truths = ['A1', 'A2', 'A3'].map((said) => ({ objects: [], text: said }));
    const [score] = scoreGolden([text('A1'), text('B2'), text('A3', false)], truths);
    expect(score).toEqual({ class: '*', size: 'all', objects: 3, found: 1, falseAlarms: 1, ap50: null });
  });

  it('measures overlap', () => {
    expect(boxIou([0, 0, 10, 10], [0, 0, 10, 10])).toBe(1);
    expect(boxIou([0, 0, 10, 10], [5, 0, 10, 10])).toBeCloseTo(1 / 3);
    expect(boxIou([0, 0, 10, 10], [20, 0, 10, 10])).toBe(0);
  });
});
