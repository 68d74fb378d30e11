// The packed golden set: read back as packed, and any damage named instead of thrown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GoldenTruth, packGoldenSet, readGoldenSet } from '../../../shared/release/golden.ts';

const TRUTH: GoldenTruth = { label: 'scratch', box: [1, 2, 3, 4], size: 'small', visible: 1 };

function frame(bytes: number[]) {
  return { picture: new Uint8Array(bytes), format: 'png' as const, objects: [TRUTH] };
}

const PACKED = packGoldenSet('loop', [frame([1]), frame([2, 3]), frame([4, 5, 6])]);

describe('a golden set', () => {
  it('is read back as it was packed', () => {
    const picture = fc.uint8Array({ minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(fc.array(picture, { minLength: 3, maxLength: 10 }), (pictures) => {
        const packed = packGoldenSet(
          'any',
          pictures.map((bytes) => frame([...bytes])),
        );
        const read = readGoldenSet(packed);
        if (!read.ok) throw new Error(JSON.stringify(read.problems));
        expect(read.value.index.frames).toHaveLength(pictures.length);
        const found = pictures.map((_, index) => [...read.value.picture(index)]);
        expect(found).toEqual(pictures.map((bytes) => [...bytes]));
      }),
    );
  });

  it('refuses every truncation', () => {
    for (let length = 0; length < PACKED.byteLength; length += 1) {
      expect(readGoldenSet(PACKED.subarray(0, length)).ok).toBe(false);
    }
    expect(readGoldenSet(PACKED).ok).toBe(true);
  });

  it('answers any damage with a value', () => {
    fc.assert(
      fc.property(fc.nat(PACKED.byteLength - 1), fc.nat(255), (at, value) => {
        const damaged = PACKED.slice();
        damaged[at] = value;
        const read = readGoldenSet(damaged);
        if (!read.ok) expect(read.problems[0]?.message).toBeTruthy();
      }),
      { numRuns: 300 },
    );
  });

  it('works inside a larger buffer, as files are read', () => {
    const larger = new Uint8Array(PACKED.byteLength + 7);
    larger.set(PACKED, 7);
    const read = readGoldenSet(larger.subarray(7));
    expect(read.ok && [...read.value.picture(2)]).toEqual([4, 5, 6]);
  });

  it('wants three frames at least', () => {
    expect(readGoldenSet(packGoldenSet('few', [frame([1]), frame([2])])).ok).toBe(false);
  });
});
