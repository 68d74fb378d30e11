// IoU of segmenters in pixels: paired over the same pictures, and never compared with an IoU of boxes.
import { describe, expect, it } from 'vitest';
import { gatherEvidence } from '../../../control-plane/core/evidence.ts';
import { type GoldenDevice, goldenClasses } from '../../../control-plane/core/golden-evidence.ts';
import { pixelShare, pixelVariance } from '../../../control-plane/core/golden-pixels.ts';
import { judge } from '../../../control-plane/core/judge.ts';
import { type GoldenScore, goldenScoreSchema } from '../../../shared/protocol/golden-score.ts';
import { guardrailOf, seeded } from './builders.ts';

type Group = [number, number];
const scoreOf = (label: string, groups: Group[] | null, set = 'golden-a'): GoldenScore =>
  goldenScoreSchema.parse({
    class: label,
    size: 'all',
    objects: 500,
    found: 480,
    falseAlarms: 4,
    ap50: 0.9,
    // Boxes say: nothing changed.
    iouSum: 450,
    iouSquares: 410,
    ...(groups === null ? {} : { pixels: { set, groups } }),
  });
const deviceOf = (candidate: readonly GoldenScore[], baseline: readonly GoldenScore[]): GoldenDevice => ({
  device: 'd1',
  hardwareClass: 'orin-nx',
  isCandidate: true,
  candidate,
  baseline,
  images: { candidate: 60, baseline: 60 },
});

/** Sixty pictures that are hard or easy for both releases alike; the candidate covers less by `drop` of each. */
function pictures(drop: number): { readonly baseline: Group[]; readonly candidate: Group[] } {
  const random = seeded(7);
  const either = Array.from({ length: 60 }, () => 2000 + Math.floor(random() * 4000));
  const ease = either.map(() => 0.5 + random() * 0.45);
  const groups = (less: number) =>
    either.map((each, at): Group => [Math.round(each * Math.max(0, ease[at]! - less + 0.01 * (random() - 0.5))), each]);
  return { baseline: groups(0), candidate: groups(drop) };
}

const GUARDRAIL = guardrailOf('golden.iou(class=micro-crack) >= baseline - 1 pt', { objects: 400 });
const verdictOf = (golden: GoldenDevice) =>
  judge(GUARDRAIL, gatherEvidence(GUARDRAIL, { candidates: [], controls: [], assigned: 1, golden: [golden] }));
const cracks = (drop: number, set?: string) => {
  const { baseline, candidate } = pictures(drop);
  return deviceOf([scoreOf('micro-crack', candidate, set)], [scoreOf('micro-crack', baseline)]);
};

describe('golden IoU in pixels', () => {
  it('finds three points less on pictures that differ far more than that, and says that it speaks of pixels', () => {
    const verdict = verdictOf(cracks(0.03));
    expect(verdict).toMatchObject({ verdict: 'breach', spread: 'between pictures', level: 'labelled frames' });
    expect(verdict.estimate).toBeCloseTo(-3, 0);
    expect(verdict.sentence).toContain('by pixels, n = 500 labelled objects');
  });

  it('passes what is a tenth of a point off', () => {
    expect(verdictOf(cracks(0.001)).verdict).toBe('pass');
  });

  it('cannot decide the same when the pictures are not the same', () => {
    expect(verdictOf(cracks(0.03, 'golden-b')).verdict).toBe('inconclusive');
  });

  it('is of boxes for both where one release was scored by boxes alone', () => {
    const { candidate } = pictures(0.2);
    const verdict = verdictOf(deviceOf([scoreOf('micro-crack', candidate)], [scoreOf('micro-crack', null)]));
    expect(verdict).toMatchObject({ verdict: 'pass', spread: 'between objects', estimate: 0 });
  });

  it('of all classes is the mean of the classes: a large one hides no small one', () => {
    const even = (share: number, size: number): Group[] => Array.from({ length: 10 }, () => [share * size, size]);
    const scores = [scoreOf('*', null), scoreOf('spill', even(0.9, 10_000)), scoreOf('micro-crack', even(0.5, 10))];
    const { expression } = guardrailOf('golden.iou >= baseline - 1 pt');
    expect(goldenClasses(expression, [deviceOf(scores, scores)])[0]?.candidate?.share).toBeCloseTo(0.7, 10);
  });

  it('with a size asks the boxes', () => {
    const { expression } = guardrailOf('golden(iou, class=micro-crack, size=small) >= baseline - 1 pt');
    expect(pixelShare([scoreOf('micro-crack', [[1, 2]])], expression)).toBeNull();
  });

  it('claims no error smaller than pictures drawn again show', () => {
    const { baseline, candidate } = pictures(0.03);
    const shareOf = (groups: Group[]) => pixelShare([scoreOf('micro-crack', groups)], GUARDRAIL.expression)!;
    const claimed = Math.sqrt(pixelVariance(shareOf(candidate), shareOf(baseline)));
    const random = seeded(3);
    const drawn = Array.from({ length: 500 }, () => {
      const picks = baseline.map(() => Math.floor(random() * baseline.length));
      const of = (groups: Group[]) => shareOf(picks.map((pick) => groups[pick]!)).share;
      return of(candidate) - of(baseline);
    });
    const mean = drawn.reduce((sum, each) => sum + each, 0) / drawn.length;
    const spread = Math.sqrt(drawn.reduce((sum, each) => sum + (each - mean) ** 2, 0) / drawn.length);
    expect(claimed / spread).toBeGreaterThan(0.85);
    expect(claimed / spread).toBeLessThan(1.2);
  });
});
