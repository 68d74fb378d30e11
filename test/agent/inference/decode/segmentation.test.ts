// The segmentation decoder: regions against a slow reference, thresholds, scaling of small masks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSegmentation } from '../../../../agent/inference/decode/segmentation.ts';
import type { SegmentationPostprocess } from '../../../../shared/release/postprocess.ts';

const LABELS = [{ name: 'ok' }, { name: 'scratch' }, { name: 'spill' }];
const RULES: SegmentationPostprocess = {
  type: 'segmentation',
  decoder: 'classmap',
  background: 0,
  minAreaPx: 1,
  connectivity: 8,
};

function map(rows: readonly string[]) {
  const data = Uint8Array.from(rows.join(''), Number);
  return {
    output: { data, dims: [1, rows.length, rows[0]!.length] },
    frame: { width: rows[0]!.length, height: rows.length },
  };
}

/** Pixels of each region, largest first, found by handing the least number to equal neighbours until nothing changes. */
function reference(rows: readonly string[], diagonal: boolean): number[] {
  const cells = rows.flatMap((row, y) => [...row].map((value, x) => ({ x, y, value })));
  const region = cells.map((_, i) => i);
  const pairs = cells.flatMap((a, i) =>
    cells.flatMap((b, j) => (i < j && a.value === b.value && touch(a, b, diagonal) ? [[i, j] as const] : [])),
  );
  for (let changed = true; changed; ) {
    changed = false;
    for (const [i, j] of pairs) {
      if (region[i] === region[j]) continue;
      region[i] = region[j] = Math.min(region[i]!, region[j]!);
      changed = true;
    }
  }
  const sizes = Map.groupBy(
    cells.flatMap((cell, i) => (cell.value === '0' ? [] : [region[i]!])),
    (id) => id,
  );
  return [...sizes.values()].map((members) => members.length).sort((a, b) => b - a);
}

function touch(a: { x: number; y: number }, b: { x: number; y: number }, diagonal: boolean): boolean {
  const dx = Math.abs(a.x - b.x);
  const dy = Math.abs(a.y - b.y);
  return diagonal ? Math.max(dx, dy) === 1 : dx + dy === 1;
}

describe('decodeSegmentation', () => {
  it('finds the regions that the slow reference finds, at 4 and 8 neighbours', () => {
    const row = fc.string({ unit: fc.constantFrom('0', '0', '1', '2'), minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 9 }), fc.boolean(), (rows, diagonal) => {
        const postprocess = { ...RULES, connectivity: diagonal ? (8 as const) : (4 as const) };
        const { detections } = decodeSegmentation({ ...map(rows), postprocess, labels: LABELS });
        expect(detections.map((d) => d.areaPx)).toEqual(reference(rows, diagonal));
      }),
    );
  });

  it('boxes a region and drops those below the least area', () => {
    const rows = ['000000', '011000', '001100', '000002'];
    const decoded = decodeSegmentation({ ...map(rows), postprocess: { ...RULES, minAreaPx: 2 }, labels: LABELS });
    expect(decoded).toEqual({
      detections: [{ classId: 1, label: 'scratch', score: 1, box: [1, 1, 3, 2], areaPx: 4 }],
      borderline: 0,
    });
  });

  it('tells the pixels of what it answers when asked, and of nothing that it left out', () => {
    const rows = ['000000', '011000', '001102', '000002', '200000'];
    const input = { ...map(rows), postprocess: { ...RULES, minAreaPx: 2 }, labels: LABELS };
    expect(decodeSegmentation({ ...input, withMask: true }).mask).toEqual({
      width: 6,
      height: 5,
      regions: [
        { label: 'scratch', runs: [7, 2, 14, 2] },
        { label: 'spill', runs: [17, 1, 23, 1] },
      ],
    });
    expect(decodeSegmentation(input)).not.toHaveProperty('mask');
  });

  it('scales a half-size mask to frame pixels', () => {
    const decoded = decodeSegmentation({
      output: map(['01', '00']).output,
      frame: { width: 4, height: 4 },
      postprocess: { ...RULES, minAreaPx: 4 },
      labels: LABELS,
    });
    expect(decoded.detections).toEqual([{ classId: 1, label: 'scratch', score: 1, box: [2, 0, 2, 2], areaPx: 4 }]);
  });

  it('scores logits by softmax and counts what only the threshold kept out', () => {
    // Two pixels: class 1 by a wide margin, class 2 narrowly.
    const data = Float32Array.from([0, 0, 4, 0, 0, 0.5]);
    const input = { output: { data, dims: [1, 3, 1, 2] }, frame: { width: 2, height: 1 }, labels: LABELS };
    const postprocess = { ...RULES, decoder: 'logits' as const, thresholdPerClass: { spill: 0.6 } };
    const decoded = decodeSegmentation({ ...input, postprocess });
    expect(decoded.detections.map((d) => [d.label, d.score])).toEqual([['scratch', 0.9647]]);
    expect(decoded.borderline).toBe(1);
  });

  it('takes probabilities as they are', () => {
    const data = Float32Array.from([0.1, 0.7, 0.2]);
    const input = { output: { data, dims: [1, 3, 1, 1] }, frame: { width: 1, height: 1 }, labels: LABELS };
    const decoded = decodeSegmentation({ ...input, postprocess: { ...RULES, decoder: 'probs' } });
    expect(decoded.detections[0]?.score).toBe(0.7);
  });

  it('answers at most 300 regions of a shattered mask', () => {
    const rows = Array.from({ length: 60 }, (_, y) => (y % 2 ? '0'.repeat(60) : '10'.repeat(30)));
    const { detections } = decodeSegmentation({ ...map(rows), postprocess: RULES, labels: LABELS });
    expect(detections).toHaveLength(300);
  });

  it('refuses a mask with another number of classes than labels', () => {
    const output = { data: new Float32Array(8), dims: [1, 2, 2, 2] };
    const postprocess = { ...RULES, decoder: 'logits' as const };
    const decode = () => decodeSegmentation({ output, postprocess, labels: LABELS, frame: { width: 2, height: 2 } });
    expect(decode).toThrow(/needs \[1, 3, H, W\], got \[1,2,2,2\]/);
  });
});
