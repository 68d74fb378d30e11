// Parts and their defects, over any seed: on the part, apart from each other, with ids of their own.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFECT_CLASSES, DEFECT_ID_STRIDE, TRAINING_MIX } from '../../../../agent/frames/line/defects.ts';
import { drawPart, PART_PITCH, type PartType } from '../../../../agent/frames/line/parts.ts';
import { distanceToOutline } from '../../../../agent/frames/line/shapes.ts';

const TYPES: readonly PartType[] = ['plate', 'flange', 'pcb'];
const anyPart = fc
  .record({ worldSeed: fc.nat(), partId: fc.integer({ min: -50, max: 5000 }) })
  .map((drawn) => drawPart({ ...drawn, types: TYPES, mix: TRAINING_MIX }));

describe('drawPart', () => {
  it('gives the same part for the same seed and id', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer(), (worldSeed, partId) => {
        const request = { worldSeed, partId, types: TYPES, mix: TRAINING_MIX };
        expect(drawPart(request)).toEqual(drawPart(request));
      }),
    );
  });

  it('keeps each part to its own stretch of belt and inside the frame', () => {
    fc.assert(
      fc.property(anyPart, ({ partId, x, y, outline }) => {
        expect(Math.abs(x - partId * PART_PITCH)).toBeLessThanOrEqual(10);
        expect(outline.halfWidth + 10).toBeLessThan(PART_PITCH / 2);
        expect(y - outline.halfHeight).toBeGreaterThan(0);
        expect(y + outline.halfHeight).toBeLessThan(256);
      }),
    );
  });

  it('puts defects on the metal, apart from each other, with ids of their own', () => {
    fc.assert(
      fc.property(anyPart, ({ partId, outline, defects }) => {
        expect(new Set(defects.map(({ defectId }) => defectId)).size).toBe(defects.length);
        for (const { defectId, classId, kind, x, y } of defects) {
          expect(Math.floor(defectId / DEFECT_ID_STRIDE)).toBe(partId);
          expect(DEFECT_CLASSES[classId]).toBe(kind);
          expect(distanceToOutline(outline, x, y)).toBeLessThan(-6.9);
        }
        const apart = defects.flatMap((a, i) => defects.slice(i + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y)));
        expect(Math.min(30, ...apart)).toBe(30);
      }),
    );
  });

  it('makes all kinds of parts and defects over a few hundred seeds', () => {
    const parts = Array.from({ length: 300 }, (_, partId) =>
      drawPart({ worldSeed: 1, partId, types: TYPES, mix: TRAINING_MIX }),
    );
    expect(new Set(parts.map(({ type }) => type)).size).toBe(3);
    const defective = parts.filter(({ defects }) => defects.length > 0).length / parts.length;
    expect(defective).toBeGreaterThan(0.75);
    expect(defective).toBeLessThan(0.93);
    expect(new Set(parts.flatMap(({ defects }) => defects.map(({ kind }) => kind)))).toEqual(new Set(DEFECT_CLASSES));
  });
});

describe('distanceToOutline', () => {
  const plate = { halfWidth: 50, halfHeight: 30, corner: 10, holes: [{ x: 20, y: 0, radius: 5 }] };

  it('is negative on metal, zero on the rim, positive outside and in holes', () => {
    expect(distanceToOutline(plate, 0, 0)).toBe(-15);
    expect(distanceToOutline(plate, 50, 0)).toBe(0);
    expect(distanceToOutline(plate, 53, 34)).toBeCloseTo(Math.hypot(13, 14) - 10, 9);
    expect(distanceToOutline(plate, 20, 0)).toBe(5);
    expect(distanceToOutline(plate, 24, 0)).toBe(1);
  });

  it('never changes faster than the way walked', () => {
    const coordinate = fc.double({ min: -80, max: 80, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, coordinate, (x, y, u, v) => {
        const change = Math.abs(distanceToOutline(plate, x, y) - distanceToOutline(plate, u, v));
        expect(change).toBeLessThanOrEqual(Math.hypot(x - u, y - v) + 1e-9);
      }),
    );
  });
});
