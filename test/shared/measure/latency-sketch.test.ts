// The latency sketch: error bound, merging in any order, and bytes that are refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSketch,
  EMPTY_SKETCH,
  encodeSketch,
  mergeSketches,
  quantile,
  SketchRecorder,
  sketchOf,
  sketchWireSchema,
} from '../../../shared/measure/latency-sketch.ts';

const latency = fc.double({ min: 0.002, max: 1e6, noNaN: true });
const latencies = fc.array(latency, { minLength: 1, maxLength: 300 });

describe('the latency sketch', () => {
  it('keeps every quantile within 1 % of the exact one', () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.floor(q * (values.length - 1))] ?? Number.NaN;
        const estimate = quantile(sketchOf(values), q) ?? Number.NaN;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact * 0.010_000_1);
      }),
    );
  });

  it('has the same bytes in whatever order and grouping it was merged', () => {
    fc.assert(
      fc.property(fc.array(latencies, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0 }), (parts, seed) => {
        const sketches = parts.map(sketchOf);
        const shuffled = sketches.map((s, i) => ({ s, key: (i * 7919 + seed) % 31 })).sort((a, b) => a.key - b.key);
        const pairwise = shuffled.map(({ s }) => s).reduce((sum, s) => mergeSketches([s, sum]), EMPTY_SKETCH);
        const atOnce = encodeSketch(sketchOf(parts.flat()));
        for (const merged of [encodeSketch(mergeSketches(sketches)), encodeSketch(pairwise)]) {
          expect(merged.bins).toBe(atOnce.bins);
          expect([merged.count, merged.min, merged.max]).toEqual([atOnce.count, atOnce.min, atOnce.max]);
        }
      }),
    );
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(latency, fc.constant(0)), { maxLength: 300 }), (values) => {
        const sketch = sketchOf(values);
        const wire = sketchWireSchema.parse(JSON.parse(JSON.stringify(encodeSketch(sketch))));
        expect(decodeSketch(wire)).toEqual(sketch);
      }),
    );
  });

  it('says null, not 0, when it holds nothing', () => {
    expect(quantile(EMPTY_SKETCH, 0.5)).toBeNull();
    expect(quantile(mergeSketches([]), 0.99)).toBeNull();
    expect(quantile(mergeSketches([EMPTY_SKETCH, sketchOf([])]), 0.99)).toBeNull();
  });

  it('refuses negative, NaN and infinite values', () => {
    const recorder = new SketchRecorder();
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => recorder.add(value)).toThrow(RangeError);
    expect(recorder.peek().count).toBe(0);
  });

  it('starts afresh after it was taken', () => {
    const recorder = new SketchRecorder();
    recorder.add(4);
    expect(recorder.take().count).toBe(1);
    recorder.add(9);
    expect(recorder.peek()).toMatchObject({ count: 1, min: 9, max: 9, sum: 9 });
  });

  it('counts values too small to measure as zeros', () => {
    const sketch = sketchOf([0, 0, 0, 5]);
    expect(sketch.zeros).toBe(3);
    expect(quantile(sketch, 0.5)).toBe(0);
    expect(quantile(sketch, 1)).toBe(5);
  });
});

describe('decodeSketch', () => {
  const wire = encodeSketch(sketchOf([1, 2, 3, 50, 50, 700]));
  const bytes = Buffer.from(wire.bins, 'base64');
  const withBytes = (changed: Uint8Array) => ({ ...wire, bins: Buffer.from(changed).toString('base64') });

  it('refuses any truncation', () => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(decodeSketch(withBytes(bytes.subarray(0, length)))).toBeNull();
  });

  it('refuses trailing bytes, another version and another α', () => {
    expect(decodeSketch(withBytes(Buffer.concat([bytes, Buffer.of(0)])))).toBeNull();
    expect(decodeSketch(withBytes(Buffer.concat([Buffer.of(2), bytes.subarray(1)])))).toBeNull();
    expect(decodeSketch(withBytes(Buffer.concat([Buffer.of(1, 5), bytes.subarray(2)])))).toBeNull();
  });

  it('refuses a count that the bins do not add up to, and a maximum below the minimum', () => {
    expect(decodeSketch({ ...wire, count: wire.count + 1 })).toBeNull();
    expect(decodeSketch({ ...wire, min: 9, max: 8 })).toBeNull();
  });

  it('refuses bins that go backwards, empty bins and indexes out of range', () => {
    expect(decodeSketch({ ...wire, count: 2, bins: base64(1, 10, 0, 2, 10, 1, 1, 1) })).toBeNull();
    expect(decodeSketch({ ...wire, count: 1, bins: base64(1, 10, 0, 2, 10, 1, 2, 0) })).toBeNull();
    expect(decodeSketch({ ...wire, count: 1, bins: base64(1, 10, 0, 1, 0xff, 0xff, 0x7f, 1) })).toBeNull();
    expect(decodeSketch({ ...wire, bins: base64(1, 10, 0, ...Array(9).fill(0xff)) })).toBeNull();
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(100), (noise, count) => {
        const sketch = decodeSketch({ ...wire, count, bins: Buffer.from(noise).toString('base64') });
        if (sketch) expect([...sketch.bins.values()].reduce((a, b) => a + b, sketch.zeros)).toBe(count);
      }),
    );
  });

  function base64(...values: number[]): string {
    return Buffer.from(values).toString('base64');
  }
});
