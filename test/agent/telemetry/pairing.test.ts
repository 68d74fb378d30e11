// What counts as lost, gained and wrong between two answers to one frame.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../../agent/telemetry/found-objects.ts';
import type { FramePair, PairedAnswer } from '../../../agent/telemetry/outcome.ts';
import { comparePair } from '../../../agent/telemetry/pairing.ts';
import type { Answer } from '../../../shared/release/answers.ts';

const REF = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const HERE: Box = [10, 10, 40, 40];
const NEAR: Box = [14, 12, 40, 40];
const ELSEWHERE: Box = [150, 150, 40, 40];

type Found = readonly [label: string, score: number, box: Box];

function answerOf(...found: readonly Found[]): PairedAnswer {
  const detections = found.map(([label, score, box]) => ({ classId: 0, label, score, box: [...box] as typeof box }));
  return { ref: REF, borderline: 0, answer: { task: 'detection', detections } };
}

function compare(baseline: PairedAnswer, candidate: FramePair['candidate']) {
  const { classes, ...boxes } = comparePair({ baseline, candidate });
  return { ...boxes, classes: Object.fromEntries(classes.map(({ class: name, ...counts }) => [name, counts])) };
}

const NONE = { baselineConfident: 0, lost: 0, wrongClass: 0, candidateConfident: 0, gained: 0 };

describe('comparePair', () => {
  it('finds nothing to say when both see the same at about the same place', () => {
    const { classes } = compare(answerOf(['dent', 0.9, HERE]), answerOf(['dent', 0.8, NEAR]));
    expect(classes).toEqual({ dent: { ...NONE, baselineConfident: 1, candidateConfident: 1 } });
  });

  it('counts as lost what the candidate does not report at all', () => {
    const { classes } = compare(
      answerOf(['dent', 0.9, HERE], ['crack', 0.9, ELSEWHERE]),
      answerOf(['dent', 0.9, HERE]),
    );
    expect(classes.crack).toEqual({ ...NONE, baselineConfident: 1, lost: 1 });
  });

  it('does not count as lost what the candidate reports with less confidence', () => {
    const { classes } = compare(answerOf(['dent', 0.9, HERE]), answerOf(['dent', 0.41, NEAR]));
    expect(classes.dent).toEqual({ ...NONE, baselineConfident: 1 });
  });

  it('does not accuse on what the baseline itself is not sure of', () => {
    expect(compare(answerOf(['dent', 0.549, HERE]), answerOf()).classes).toEqual({});
    expect(compare(answerOf(['dent', 0.55, HERE]), answerOf()).classes.dent?.lost).toBe(1);
  });

  it('counts another class at the same place as a loss and as a wrong class', () => {
    const { classes } = compare(answerOf(['dent', 0.9, HERE]), answerOf(['spill', 0.9, NEAR]));
    expect(classes.dent).toEqual({ ...NONE, baselineConfident: 1, lost: 1, wrongClass: 1 });
    expect(classes.spill).toEqual({ ...NONE, candidateConfident: 1, gained: 1 });
  });

  it('does not call it a wrong class when the right one is there too', () => {
    const { classes } = compare(answerOf(['dent', 0.9, HERE]), answerOf(['spill', 0.9, NEAR], ['dent', 0.5, HERE]));
    expect(classes.dent).toEqual({ ...NONE, baselineConfident: 1 });
  });

  it('compares in the names of the baseline when the candidate has others', () => {
    const candidate = { ...answerOf(['ding', 0.9, HERE]), labelMap: { ding: 'dent' } };
    expect(compare(answerOf(['dent', 0.9, HERE]), candidate).classes).toEqual({
      dent: { ...NONE, baselineConfident: 1, candidateConfident: 1 },
    });
  });

  it('is not misled by labels that are names of object members', () => {
    const candidate = { ...answerOf(['constructor', 0.9, HERE]), labelMap: { ding: 'dent' } };
    expect(Object.keys(compare(answerOf(), candidate).classes)).toEqual(['constructor']);
  });

  it('counts the boxes of each side, with those below the threshold', () => {
    const baseline = { ...answerOf(['dent', 0.9, HERE]), borderline: 3 };
    const candidate = { ...answerOf(['dent', 0.9, HERE], ['dent', 0.9, ELSEWHERE]), borderline: 1 };
    expect(compare(baseline, candidate)).toMatchObject({
      baselineBoxes: 4,
      baselineBorderline: 3,
      candidateBoxes: 3,
      candidateBorderline: 1,
    });
  });

  it('compares classes of whole pictures and texts that were read', () => {
    const classified = (label: string, score: number): PairedAnswer => ({
      ref: REF,
      borderline: 0,
      answer: {
        task: 'classification',
        classes: [
          { classId: 0, label: 'none', score: 0.1 },
          { classId: 1, label, score },
        ],
      },
    });
    expect(compare(classified('ok', 0.9), classified('scrap', 0.9)).classes.ok).toMatchObject({
      lost: 1,
      wrongClass: 1,
    });
    const read = (text: string, accepted = true): PairedAnswer => {
      const answer: Answer = { task: 'ocr', text, score: 0.9, accepted };
      return { ref: REF, borderline: 0, answer };
    };
    expect(compare(read('A1-X'), read('A1-X')).classes.text).toMatchObject({ lost: 0, gained: 0 });
    expect(compare(read('A1-X'), read('A7-X')).classes.text).toMatchObject({ lost: 1, wrongClass: 1, gained: 1 });
    expect(compare(read('A1-X'), read('A1-X', false)).classes.text).toMatchObject({ lost: 1, wrongClass: 0 });
  });

  const detection = fc.tuple(
    fc.constantFrom('dent', 'crack', 'spill'),
    fc.double({ min: 0.4, max: 1, noNaN: true }),
    fc.tuple(fc.nat(200), fc.nat(200), fc.integer({ min: 5, max: 60 }), fc.integer({ min: 5, max: 60 })),
  );

  it('finds no fault in a release compared with itself', () => {
    fc.assert(
      fc.property(fc.array(detection, { maxLength: 12 }), (found) => {
        for (const counts of Object.values(compare(answerOf(...found), answerOf(...found)).classes))
          expect(counts).toMatchObject({ lost: 0, wrongClass: 0, gained: 0 });
      }),
    );
  });

  it('never counts more than there is, and swaps lost for gained when the sides are swapped', () => {
    const side = fc.array(detection, { maxLength: 12 });
    fc.assert(
      fc.property(side, side, (one, other) => {
        const there = compare(answerOf(...one), answerOf(...other)).classes;
        const back = compare(answerOf(...other), answerOf(...one)).classes;
        for (const [name, counts] of Object.entries(there)) {
          expect(counts.lost).toBeLessThanOrEqual(counts.baselineConfident);
          expect(counts.wrongClass).toBeLessThanOrEqual(counts.lost);
          expect(counts.lost).toBe(back[name]?.gained);
          expect(counts.candidateConfident).toBe(back[name]?.baselineConfident);
        }
      }),
    );
  });
});
