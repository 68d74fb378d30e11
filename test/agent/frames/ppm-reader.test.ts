// Pictures come out of ffmpeg's pipe whole, however it is cut.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceError } from '../../../agent/frames/camera-source.ts';
import { PpmReader } from '../../../agent/frames/ppm-reader.ts';

function ppm(width: number, height: number, fill: number): Buffer {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), Buffer.alloc(width * height * 3, fill)]);
}

describe('PpmReader', () => {
  it('gives every picture with its size, however the stream is cut', () => {
    const size = fc.integer({ min: 1, max: 40 });
    const picture = fc.record({ width: size, height: size, fill: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(picture, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), (pictures, step) => {
        const stream = Buffer.concat(pictures.map(({ width, height, fill }) => ppm(width, height, fill)));
        const reader = new PpmReader();
        const out = [];
        for (let at = 0; at < stream.length; at += step) out.push(...reader.push(stream.subarray(at, at + step)));
        expect(out.map(({ raw, bytes }) => ({ width: raw?.width, height: raw?.height, fill: bytes[0] }))).toEqual(
          pictures,
        );
        for (const { bytes } of out) expect(new Set(bytes).size).toBe(1);
      }),
    );
  });

  it('refuses what is no PPM, and sizes that no camera has', () => {
    expect(() => [...new PpmReader().push(Buffer.alloc(64, 'x'))]).toThrow(SourceError);
    expect(() => [...new PpmReader().push(Buffer.from('P6\n65000 65000\n255\n'))]).toThrow(
      /lower the camera's resolution/,
    );
    expect(() => [...new PpmReader().push(Buffer.from('P6\n0 10\n255\n'))]).toThrow(SourceError);
  });
});
