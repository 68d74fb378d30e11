// Frames and their truth: the same for ever, and honest about what they show.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../../../agent/frames/line/boxes.ts';
import { conditionNamed } from '../../../../agent/frames/line/conditions.ts';
import { type DefectMix, MICRO_CRACK, TRAINING_MIX } from '../../../../agent/frames/line/defects.ts';
import { type Frame, renderFrame, sampleFrame } from '../../../../agent/frames/line/scene.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const seeds = fc.nat(10_000_000);
const offsets = fc.double({ min: -2000, max: 6000, noNaN: true });
/** Rendering is the cost of these tests. */
const RUNS = { numRuns: 25 };

describe('renderFrame', () => {
  it('gives the bytes it always gave', () => {
    const plain = renderFrame({ worldSeed: 3, beltOffset: 100 });
    const dirty = renderFrame({ worldSeed: 3, beltOffset: 100.5, condition: conditionNamed('dirt-50'), noiseSeed: 3 });
    const board = renderFrame({ worldSeed: 3, beltOffset: 100, condition: conditionNamed('new-part') });
    const looped = renderFrame({ worldSeed: 3, beltOffset: 100, loopParts: 10 });
    expect([plain, dirty, board, looped].map((frame) => `${digest(frame.rgb)} ${digest(frame.mask)}`)).toEqual([
      '697b366e42c51a04 c39180fc696dd260',
      '2e63ea3ae1a7ad9f d50992053c8a9c3a',
      '0d62e1c114541241 dad3cb0e787e152d',
      '4155181c521711d9 c39180fc696dd260',
    ]);
  });

  it('is a pure function of its request', () => {
    fc.assert(
      fc.property(seeds, offsets, (worldSeed, beltOffset) => {
        const [a, b] = [
          renderFrame({ worldSeed, beltOffset, size: 128 }),
          renderFrame({ worldSeed, beltOffset, size: 128 }),
        ];
        expect(digest(a.rgb)).toBe(digest(b.rgb));
        expect(a.boxes).toEqual(b.boxes);
      }),
      RUNS,
    );
  });

  it('keeps ids and sizes while the belt moves', () => {
    const shots = [0, 5, 10, 15].map((step) =>
      renderFrame({ worldSeed: 31, beltOffset: 600 + step, mix: TRAINING_MIX }),
    );
    const whole = shots.map(
      (shot) => new Map(shot.boxes.filter((box) => box.visible === 1).map((box) => [box.defectId, box])),
    );
    const kept = [...whole[0]!.keys()].filter((id) => whole.every((boxes) => boxes.has(id)));
    expect(kept.length).toBeGreaterThan(0);
    for (const id of kept) {
      const boxes = whole.map((shot) => shot.get(id)!);
      expect(boxes.map((box) => box.x)).toEqual([0, 5, 10, 15].map((step) => boxes[0]!.x - step));
      expect(new Set(boxes.map(({ classId, partId, y, w, h }) => `${classId} ${partId} ${y} ${w} ${h}`)).size).toBe(1);
    }
  });

  it('moves parts with the belt, under their own ids', () => {
    const [here, there] = [0, 100].map((step) => renderFrame({ worldSeed: 5, beltOffset: 700 + step }));
    for (const part of here!.parts) {
      const later = there!.parts.find(({ partId }) => partId === part.partId);
      if (later !== undefined) expect(later.x).toBeCloseTo(part.x - 100, 9);
    }
    expect(here!.parts.length).toBeGreaterThan(0);
  });

  it('draws boxes around exactly what the mask shows', () => {
    fc.assert(
      fc.property(seeds, offsets, (worldSeed, beltOffset) => {
        const frame = renderFrame({ worldSeed, beltOffset, size: 128, mix: TRAINING_MIX });
        expect(strayPixels(frame)).toBe(0);
        for (const box of frame.boxes) assertTight(frame, box);
      }),
      RUNS,
    );
  });

  it('never paints a class whose weight is zero', () => {
    const mix: DefectMix = { rate: 1, weights: [1, 1, 0, 1] };
    fc.assert(
      fc.property(seeds, offsets, (worldSeed, beltOffset) => {
        const frame = renderFrame({ worldSeed, beltOffset, size: 64, mix });
        expect(frame.mask.includes(MICRO_CRACK + 1)).toBe(false);
        expect(
          frame.boxes.every((box) => box.classId !== MICRO_CRACK && box.lengthPx === undefined && !box.small),
        ).toBe(true);
      }),
      RUNS,
    );
  });

  it('shows the same scene at every size', () => {
    const [small, large] = [128, 512].map((size) =>
      renderFrame({ worldSeed: 31, beltOffset: 600, size, mix: TRAINING_MIX }),
    );
    const wholeIds = (frame: Frame) => frame.boxes.filter((box) => box.visible === 1).map((box) => box.defectId);
    expect(wholeIds(small!)).toEqual(wholeIds(large!));
    expect(large!.parts.map(({ x }) => x / 4)).toEqual(small!.parts.map(({ x }) => expect.closeTo(x, 6)));
  });

  it('changes only the noise with the noise seed', () => {
    const [a, b] = [1, 2].map((noiseSeed) => renderFrame({ worldSeed: 9, beltOffset: 50, noiseSeed }));
    expect(digest(a!.mask)).toBe(digest(b!.mask));
    const meanDifference = a!.rgb.reduce((sum, value, i) => sum + Math.abs(value - b!.rgb[i]!), 0) / a!.rgb.length;
    expect(meanDifference).toBeGreaterThan(0.5);
    expect(meanDifference).toBeLessThan(6);
  });
});

describe('renderFrame of a loop', () => {
  it('comes back to the same picture after one turn', () => {
    const request = { worldSeed: 3, loopParts: 3, size: 128, noiseSeed: 0 };
    const turn = 3 * 236;
    for (const beltOffset of [0, 200, 640]) {
      const [first, second] = [
        renderFrame({ ...request, beltOffset }),
        renderFrame({ ...request, beltOffset: beltOffset + turn }),
      ];
      expect(second.mask).toEqual(first.mask);
      expect(second.boxes).toEqual(first.boxes);
      expect(second.parts.map(({ partId }) => partId)).toEqual(first.parts.map(({ partId }) => partId));
    }
  });

  it('keeps part ids below the number of parts', () => {
    const seen = [0, 236, 472, 708].flatMap(
      (beltOffset) => renderFrame({ worldSeed: 3, beltOffset, loopParts: 2, size: 64 }).parts,
    );
    expect(new Set(seen.map(({ partId }) => partId))).toEqual(new Set([0, 1]));
  });
});

describe('sampleFrame', () => {
  it('gives the bytes it always gave', () => {
    expect(digest(sampleFrame(1_000_000, { mix: TRAINING_MIX }).rgb)).toBe('1eddde6d02078a32');
    expect(digest(sampleFrame(3_000_000, { conditionJitter: false }).rgb)).toBe('d0790f5a82dc0ccf');
  });

  it('covers every class, and clean frames, in the recipe’s proportions', () => {
    const frames = Array.from({ length: 120 }, (_, i) => sampleFrame(3_000_000 + i, { size: 64 }));
    const perClass = [0, 1, 2, 3].map(
      (id) => frames.flatMap((frame) => frame.boxes).filter((box) => box.classId === id).length,
    );
    expect(Math.min(...perClass)).toBeGreaterThan(8);
    const cleanShare = frames.filter((frame) => frame.boxes.length === 0).length / frames.length;
    expect(cleanShare).toBeGreaterThan(0.1);
    expect(cleanShare).toBeLessThan(0.45);
  });
});

/** Masked pixels outside every box of their class. */
function strayPixels({ mask, size, boxes }: Frame): number {
  let stray = 0;
  mask.forEach((value, i) => {
    if (value !== 0 && !boxes.some((box) => box.classId === value - 1 && holds(box, i % size, Math.floor(i / size))))
      stray++;
  });
  return stray;
}

function holds(box: Box, x: number, y: number): boolean {
  return x + 0.5 >= box.x && x + 0.5 <= box.x + box.w && y + 0.5 >= box.y && y + 0.5 <= box.y + box.h;
}

function assertTight({ mask, size }: Frame, box: Box): void {
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.y).toBeGreaterThanOrEqual(0);
  expect(box.x + box.w).toBeLessThanOrEqual(size);
  expect(box.y + box.h).toBeLessThanOrEqual(size);
  const inside = mask.filter((value, i) => value === box.classId + 1 && holds(box, i % size, Math.floor(i / size)));
  expect(inside.length).toBeGreaterThan(0);
  if (box.small) expect(Math.max(box.w, box.h)).toBeLessThan((34 * size) / 256);
  if (box.lengthPx !== undefined) expect(box.lengthPx).toBeLessThanOrEqual((50 * size) / 256);
}
