// The watermark: never past a hole while the hole may still be filled, whatever the order of arrival.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Watermarks } from '../../../control-plane/telemetry/watermarks.ts';

const POSITION = { site: 'plant-a', device: 'cam-01', boot: 'boot-0001' };
const NEVER_MS = Number.MAX_SAFE_INTEGER;

describe('a watermark', () => {
  it('is the end of the unbroken run from 1, in any order and with repeats', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }), (arrivals) => {
        const marks = new Watermarks(NEVER_MS);
        const seen = new Set<number>();
        for (const seq of arrivals) {
          seen.add(seq);
          let run = 0;
          while (seen.has(run + 1)) run += 1;
          expect(marks.settle(POSITION, seq, 0)).toBe(run);
        }
      }),
    );
  });

  it('never goes back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ seq: fc.integer({ min: 1, max: 30 }), afterMs: fc.nat(200) }), { maxLength: 60 }),
        (arrivals) => {
          const marks = new Watermarks(100);
          let [last, nowMs] = [0, 0];
          for (const { seq, afterMs } of arrivals) {
            nowMs += afterMs;
            const mark = marks.settle(POSITION, seq, nowMs);
            expect(mark).toBeGreaterThanOrEqual(last);
            last = mark;
          }
        },
      ),
    );
  });

  it('passes a hole only after its time', () => {
    const marks = new Watermarks(60_000);
    marks.settle(POSITION, 1, 0);
    for (let atMs = 1000; atMs < 61_000; atMs += 10_000) expect(marks.settle(POSITION, 3, atMs)).toBe(1);
    expect(marks.settle(POSITION, 4, 60_999)).toBe(1);
    expect(marks.settle(POSITION, 5, 61_000)).toBe(5);
  });

  it('does not count the time in which the device could not send again', () => {
    const marks = new Watermarks(60_000);
    marks.settle(POSITION, 1, 0);
    expect(marks.settle(POSITION, 3, 1000)).toBe(1);
    // It slept, or our clock jumped; what it sends first afterwards need not be what is missing.
    expect(marks.settle(POSITION, 4, 200_000)).toBe(1);
    expect(marks.settle(POSITION, 2, 200_010)).toBe(4);
  });

  it('counts the hole of a device that is heard, with the shortest patience too', () => {
    const marks = new Watermarks(1000);
    marks.settle(POSITION, 1, 0);
    expect(marks.settle(POSITION, 3, 500)).toBe(1);
    expect(marks.settle(POSITION, 3, 10_500)).toBe(3);
  });

  it('goes on from what the database remembers', () => {
    const marks = new Watermarks(NEVER_MS);
    marks.load(POSITION, 7, [9, 10]);
    expect(marks.settle(POSITION, 8, 0)).toBe(10);
  });
});
