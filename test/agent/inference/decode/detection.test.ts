// The detection decoder against a slow, obvious reference and on the shapes and values that a broken model emits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Box, iou } from '../../../../agent/inference/decode/boxes.ts';
import { decodeDetection } from '../../../../agent/inference/decode/detection.ts';
import type { DetectionPostprocess } from '../../../../shared/release/postprocess.ts';

const LABELS = [{ name: 'scratch' }, { name: 'dent' }, { name: 'micro-crack' }];
const FRAME = { width: 256, height: 256 };
const RULES: DetectionPostprocess = {
  type: 'detection',
  decoder: 'yolov8',
  box: 'cxcywh',
  coords: 'input-px',
  score: 0.4,
  iou: 0.5,
  classAgnostic: false,
  max: 300,
};

type Candidate = { cx: number; cy: number; w: number; h: number; scores: [number, number, number] };

/** Candidates as the [1, 7, N] tensor of the YOLOv8 layout. */
function yolo(candidates: readonly Candidate[]) {
  const n = candidates.length;
  const data = new Float32Array(7 * n);
  candidates.forEach((c, i) => {
    [c.cx, c.cy, c.w, c.h, ...c.scores].forEach((value, row) => {
      data[row * n + i] = value;
    });
  });
  return { data, dims: [1, 7, n] };
}

const candidateArb: fc.Arbitrary<Candidate> = fc.record({
  cx: fc.integer({ min: 20, max: 230 }),
  cy: fc.integer({ min: 20, max: 230 }),
  w: fc.integer({ min: 8, max: 40 }),
  h: fc.integer({ min: 8, max: 40 }),
  scores: fc.tuple(share(), share(), share()),
});

function share() {
  return fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
}

function one(overrides: Partial<Candidate> = {}): Candidate {
  return { cx: 100, cy: 80, w: 20, h: 10, scores: [0.9, 0.1, 0.1], ...overrides };
}

/** Greedy suppression written the slow way, on objects. */
function reference(candidates: readonly Candidate[]) {
  const found = candidates
    .map((c, i) => {
      const score = Math.max(...c.scores);
      const box: Box = [c.cx - c.w / 2, c.cy - c.h / 2, c.w, c.h];
      return { i, score, classId: c.scores.indexOf(score), box };
    })
    .filter((entry) => entry.score >= 0.15)
    .sort((a, b) => b.score - a.score || a.i - b.i);
  const kept: typeof found = [];
  for (const entry of found)
    if (!kept.some((other) => other.classId === entry.classId && iou(other.box, entry.box) > 0.5)) kept.push(entry);
  return kept;
}

describe('decodeDetection, yolov8 layout', () => {
  it('answers what the slow reference answers, and counts what it nearly answered', () => {
    fc.assert(
      fc.property(fc.array(candidateArb, { maxLength: 40 }), (candidates) => {
        const decoded = decodeDetection({ output: yolo(candidates), postprocess: RULES, labels: LABELS, frame: FRAME });
        const expected = reference(candidates);
        const accepted = expected.filter((entry) => entry.score >= 0.4);
        expect(decoded.detections.map((d) => [d.classId, d.score])).toEqual(
          accepted.map((entry) => [entry.classId, entry.score]),
        );
        expect(decoded.borderline).toBe(expected.length - accepted.length);
      }),
    );
  });

  it('keeps no two boxes of one class that overlap by more than the limit, and none below its threshold', () => {
    fc.assert(
      fc.property(fc.array(candidateArb, { maxLength: 60 }), fc.boolean(), (candidates, classAgnostic) => {
        const postprocess = { ...RULES, classAgnostic, scorePerClass: { dent: 0.7 } };
        const output = yolo(candidates);
        const { detections } = decodeDetection({ output, postprocess, labels: LABELS, frame: FRAME });
        for (const { label, score } of detections) expect(score).toBeGreaterThanOrEqual(label === 'dent' ? 0.7 : 0.4);
        const overlaps = detections.flatMap((a, i) =>
          detections
            .slice(i + 1)
            .filter((b) => classAgnostic || a.classId === b.classId)
            .map((b) => iou(a.box, b.box)),
        );
        expect(Math.max(0, ...overlaps)).toBeLessThanOrEqual(0.5001);
      }),
    );
  });

  it('survives any value a broken model can put out, with boxes inside the frame', () => {
    const anyValue = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e30, -1e30));
    fc.assert(
      fc.property(fc.array(anyValue, { minLength: 70, maxLength: 70 }), (values) => {
        const output = { data: Float32Array.from(values), dims: [1, 7, 10] };
        for (const { box } of decodeDetection({ output, postprocess: RULES, labels: LABELS, frame: FRAME })
          .detections) {
          const [x, y, w, h] = box;
          expect(x >= 0 && y >= 0 && w >= 0 && h >= 0 && x + w <= 256.02 && y + h <= 256.02).toBe(true);
        }
      }),
    );
  });

  it('scales unit coordinates and clips to the frame', () => {
    const output = yolo([one({ cx: 0.95, cy: 0.5, w: 0.2, h: 0.1 })]);
    const postprocess = { ...RULES, coords: 'unit' as const };
    const { detections } = decodeDetection({ output, postprocess, labels: LABELS, frame: FRAME });
    expect(detections).toHaveLength(1);
    const [x, y, w, h] = detections[0]!.box;
    expect([x, y, w, h].map((value) => Math.round(value * 10) / 10)).toEqual([217.6, 115.2, 38.4, 25.6]);
  });

  it('never lets a box below its own threshold suppress an accepted one', () => {
    const output = yolo([one({ scores: [0.6, 0, 0] }), one({ scores: [0, 0.5, 0] })]);
    const postprocess = { ...RULES, classAgnostic: true, scorePerClass: { scratch: 0.7 } };
    const decoded = decodeDetection({ output, postprocess, labels: LABELS, frame: FRAME });
    expect(decoded.detections.map((d) => d.label)).toEqual(['dent']);
    expect(decoded.borderline).toBe(0);
  });

  it('answers at most `max` objects, the best ones', () => {
    const output = yolo([10, 60, 110, 160].map((cx, i) => one({ cx, scores: [0.5 + i / 10, 0, 0] })));
    const { detections } = decodeDetection({ output, postprocess: { ...RULES, max: 2 }, labels: LABELS, frame: FRAME });
    expect(detections.map((d) => d.score)).toEqual([0.8, 0.7]);
  });

  it('refuses a tensor that does not fit the labels', () => {
    const output = { data: new Float32Array(60), dims: [1, 6, 10] };
    const decode = () => decodeDetection({ output, postprocess: RULES, labels: LABELS, frame: FRAME });
    expect(decode).toThrow(/needs \[1, 7, N\] for 3 labels, got \[1,6,10\]/);
  });

  it('decodes a flood of 8,400 overlapping boxes well within a frame', () => {
    const flood = Array.from({ length: 8400 }, (_, i) => one({ cx: i % 250, cy: (i * 7) % 250, scores: [0.9, 0, 0] }));
    const output = yolo(flood);
    const startedAt = performance.now();
    decodeDetection({ output, postprocess: RULES, labels: LABELS, frame: FRAME });
    expect(performance.now() - startedAt).toBeLessThan(250);
  });
});

describe('decodeDetection, end-to-end layout', () => {
  it('reads corners, score and class, and ignores classes without a label', () => {
    const data = Float32Array.from([10, 20, 30, 50, 0.9, 2, 10, 20, 30, 50, 0.9, 7, 60, 60, 90, 90, 0.2, 0]);
    const postprocess = { ...RULES, decoder: 'end2end-xyxysc' as const, box: 'xyxy' as const };
    const decoded = decodeDetection({
      output: { data, dims: [1, 3, 6] },
      postprocess,
      labels: LABELS,
      frame: FRAME,
    });
    expect(decoded.detections).toEqual([{ classId: 2, label: 'micro-crack', score: 0.9, box: [10, 20, 20, 30] }]);
    expect(decoded.borderline).toBe(1);
  });
});

describe('iou', () => {
  const boxArb = fc.tuple(fc.nat(100), fc.nat(100), fc.nat(50), fc.nat(50));

  it('is symmetric, within 0..1, and 1 for a box with area and itself', () => {
    fc.assert(
      fc.property(boxArb, boxArb, (a, b) => {
        expect(iou(a, b)).toBe(iou(b, a));
        expect(iou(a, b)).toBeGreaterThanOrEqual(0);
        expect(iou(a, b)).toBeLessThanOrEqual(1);
        expect(iou(a, a)).toBe(a[2] * a[3] > 0 ? 1 : 0);
      }),
    );
  });
});
