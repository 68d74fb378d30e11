// The numbers that decide: average precision, recall by size, false alarms, paired evidence, text errors.
import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  type JudgedFrame,
  scoreDetections,
  type Truth,
} from '../../../scripts/models/evaluation/detection-metrics.ts';
import { pairReleases } from '../../../scripts/models/evaluation/paired-evidence.ts';
import { scoreMasks } from '../../../scripts/models/evaluation/segmentation-metrics.ts';
import { editDistance, scoreTexts } from '../../../scripts/models/evaluation/text-metrics.ts';
import type { Detection } from '../../../shared/release/answers.ts';

const LABELS = ['dent', 'micro-crack'];

const truth = (label: string, x: number, more: Partial<Truth> = {}): Truth => ({
  label,
  box: [x, 10, 20, 20],
  size: 'large',
  visible: 1,
  ...more,
});

const found = (label: string, x: number, score: number): Detection => ({
  classId: LABELS.indexOf(label),
  label,
  score,
  box: [x, 10, 20, 20],
});

const score = (frames: readonly JudgedFrame[]) => scoreDetections(frames, { labels: LABELS, scoreMin: 0.4 });

describe('scoreDetections', () => {
  it('is perfect when every object is found once', () => {
    const result = score([
      {
        truths: [truth('dent', 0), truth('micro-crack', 50)],
        found: [found('dent', 1, 0.9), found('micro-crack', 50, 0.8)],
      },
    ]);
    expect(result).toMatchObject({ map50: 1, precision: 1, recall: 1, falseAlarmsPer1k: 0, truths: 2 });
  });

  it('counts a second box on the same object as a false alarm', () => {
    const result = score([{ truths: [truth('dent', 0)], found: [found('dent', 0, 0.9), found('dent', 2, 0.7)] }]);
    expect(result.classes[0]).toMatchObject({ hits: 1, falseAlarms: 1, precision: 0.5, recall: 1 });
  });

  it('does not take the right place in the wrong class', () => {
    const result = score([{ truths: [truth('dent', 0)], found: [found('micro-crack', 0, 0.9)] }]);
    expect(result).toMatchObject({ recall: 0, falseAlarmsPer1k: 1000 });
  });

  it('excuses boxes on objects that are mostly cut off, and does not demand those', () => {
    const result = score([
      { truths: [truth('dent', 0, { visible: 0.3 })], found: [found('dent', 0, 0.9), found('micro-crack', 5, 0.9)] },
    ]);
    expect(result).toMatchObject({ truths: 0, falseAlarmsPer1k: 0 });
  });

  it('tells small cracks from large ones', () => {
    const truths = [
      truth('micro-crack', 0, { size: 'small' }),
      truth('micro-crack', 50, { size: 'small' }),
      truth('micro-crack', 100),
    ];
    const result = score([
      { truths, found: [found('micro-crack', 0, 0.9), found('micro-crack', 50, 0.3), found('micro-crack', 100, 0.9)] },
    ]);
    expect(result.smallCracks).toEqual({ recall: 0.5, truths: 2 });
  });

  it('uses low scores for average precision but not for recall at the deployed score', () => {
    const result = score([{ truths: [truth('dent', 0)], found: [found('dent', 0, 0.2)] }]);
    expect(result.classes[0]).toMatchObject({ ap50: 1, recall: 0 });
  });
});

describe('averagePrecision', () => {
  it('follows the precision envelope', () => {
    const verdicts = [true, false, true].map((isHit, i) => ({ score: 1 - i / 10, isHit }));
    expect(averagePrecision(verdicts, 2)).toBeCloseTo(0.5 * 1 + 0.5 * (2 / 3));
  });

  it('is zero without anything to find or without findings', () => {
    expect(averagePrecision([{ score: 1, isHit: false }], 0)).toBe(0);
    expect(averagePrecision([], 3)).toBe(0);
  });
});

describe('pairReleases', () => {
  const before = [[found('dent', 0, 0.9), found('micro-crack', 50, 0.7)], [found('micro-crack', 0, 0.45)]];

  it('sees nothing when both agree', () => {
    const evidence = pairReleases(before, before);
    expect(evidence).toMatchObject({
      findingsRatio: 1,
      lost: { share: 0, count: 2 },
      lostMicroCracks: { share: 0, count: 1 },
    });
    expect(evidence.borderShareRise).toBe(0);
  });

  it('counts confident findings that the candidate lost, per class too', () => {
    const evidence = pairReleases(before, [[found('dent', 0, 0.9)], []]);
    expect(evidence.lost).toEqual({ share: 0.5, count: 2 });
    expect(evidence.lostMicroCracks).toEqual({ share: 1, count: 1 });
  });

  it('calls it another class, not a loss and a gain alone', () => {
    const evidence = pairReleases([[found('dent', 0, 0.9)]], [[found('micro-crack', 0, 0.9)]]);
    expect(evidence).toMatchObject({
      otherClass: { share: 1, count: 1 },
      lost: { share: 1, count: 1 },
      gained: { share: 1, count: 1 },
    });
  });

  it('measures the border zone', () => {
    const evidence = pairReleases([[found('dent', 0, 0.9)]], [[found('dent', 0, 0.9), found('dent', 80, 0.2)]]);
    expect(evidence.borderShareRise).toBe(0.5);
  });

  it('carries a count of zero where there is no evidence', () => {
    expect(pairReleases([[]], [[]]).lostMicroCracks).toEqual({ share: 0, count: 0 });
  });
});

describe('scoreMasks', () => {
  const truthMask = Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const classOf = truthMask;
  const truths: Truth[] = [{ label: 'dent', box: [2, 0, 2, 2], size: 'small', visible: 1 }];
  const accepted: Detection[] = [{ classId: 1, label: 'dent', score: 0.9, box: [2, 0, 2, 2], areaPx: 4 }];
  const options = { labels: ['ok', 'dent'], widthPx: 4 };

  it('is perfect when mask and object agree', () => {
    const result = scoreMasks([{ truthMask, classOf, accepted, truths }], options);
    expect(result).toMatchObject({ meanIou: 1, falseAlarmsPer1k: 0 });
    expect(result.classes[1]).toEqual({ label: 'dent', iou: 1, recall: 1, truths: 1 });
  });

  it('counts the pixels of rejected regions as sound', () => {
    const result = scoreMasks([{ truthMask, classOf, accepted: [], truths }], options);
    expect(result.classes[1]).toMatchObject({ iou: 0, recall: 0 });
  });

  it('counts regions that touch no defect', () => {
    const result = scoreMasks([{ truthMask, classOf, accepted, truths: [] }], options);
    expect(result.falseAlarmsPer1k).toBe(1000);
  });
});

describe('scoreTexts', () => {
  it('counts edits per character and exact texts', () => {
    const result = scoreTexts([
      { read: 'A1-BCDEF', truth: 'A1-BCDEF' },
      { read: 'A1-BCDE', truth: 'A1-BCDEF' },
    ]);
    expect(result).toEqual({ characterErrorRate: 1 / 16, exact: 0.5, texts: 2 });
  });

  it('knows insertions, deletions and replacements', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('same', 'same')).toBe(0);
  });
});
