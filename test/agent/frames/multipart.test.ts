// Parts come out whole however the bytes arrive and however the camera writes them; what has no end is refused.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SourceError } from '../../../agent/frames/camera-source.ts';
import { boundaryOf, MultipartReader, PART_BYTES_MAX } from '../../../agent/frames/multipart.ts';
import { jpegOf } from './http-camera-server.ts';

let jpegs: Buffer[];
beforeAll(async () => {
  jpegs = await Promise.all([10, 90, 170].map((grey) => jpegOf(grey)));
});

type Writing = { readonly newline: string; readonly hasLength: boolean; readonly hasType: boolean };

function write(pictures: readonly Uint8Array[], { newline, hasLength, hasType }: Writing): Buffer {
  const parts = pictures.flatMap((picture) => [
    Buffer.from(`--frame${newline}`),
    Buffer.from(hasType ? `Content-Type: image/jpeg${newline}` : `X-Timestamp: 1.5${newline}`),
    Buffer.from(hasLength ? `Content-Length: ${picture.byteLength}${newline}` : ''),
    Buffer.from(newline),
    picture,
    Buffer.from(newline),
  ]);
  return Buffer.concat([...parts, Buffer.from('--frame')]);
}

function read(bytes: Buffer, cuts: readonly number[]): Uint8Array[] {
  const reader = new MultipartReader('frame');
  const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
  return places
    .slice(1)
    .flatMap((end, i) => [...reader.push(bytes.subarray(places[i], end))].map((part) => part.bytes));
}

describe('boundaryOf', () => {
  it.each([
    ['multipart/x-mixed-replace; boundary=frame', 'frame'],
    ['multipart/x-mixed-replace;boundary="my frame"', 'my frame'],
    ['Multipart/x-mixed-replace; charset=x; Boundary=--frame', 'frame'],
    ['multipart/x-mixed-replace', null],
    ['image/jpeg; boundary=frame', null],
    ['', null],
  ])('of %j is %j', (header, boundary) => {
    expect(boundaryOf(header)).toBe(boundary);
  });
});

describe('MultipartReader', () => {
  it('gives the same pictures however the bytes are cut and written', () => {
    const writing = fc.record({
      newline: fc.constantFrom('\r\n', '\n'),
      hasLength: fc.boolean(),
      hasType: fc.boolean(),
    });
    fc.assert(
      fc.property(
        writing,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.array(fc.nat(2), { maxLength: 5 }),
        (how, cuts, which) => {
          const pictures = which.map((i) => jpegs[i]!);
          const parts = read(write(pictures, how), cuts);
          expect(parts.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(
            pictures.map((p) => p.toString('hex')),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives a JPEG without a length as soon as it is whole, not when the next one begins', () => {
    const reader = new MultipartReader('frame');
    const [jpeg] = jpegs;
    const head = Buffer.from('--frame\r\nContent-Type: image/jpeg\r\n\r\n');
    expect([...reader.push(Buffer.concat([head, jpeg!.subarray(0, -1)]))]).toEqual([]);
    expect([...reader.push(jpeg!.subarray(-1))].map(({ bytes }) => Buffer.compare(bytes, jpeg!))).toEqual([0]);
    expect([...reader.push(Buffer.concat([Buffer.from('\r\n'), head, jpeg!]))]).toHaveLength(1);
  });

  it('is not taken in by the end of a thumbnail', () => {
    const reader = new MultipartReader('frame');
    // An application segment of 8 bytes that holds a whole tiny JPEG's end.
    const [jpeg] = jpegs;
    const segment = Buffer.from([0xff, 0xe1, 0x00, 0x08, 0xff, 0xd8, 0x11, 0x22, 0xff, 0xd9]);
    const withThumbnail = Buffer.concat([jpeg!.subarray(0, 2), segment, jpeg!.subarray(2)]);
    const head = Buffer.from('--frame\r\n\r\n');
    expect([...reader.push(Buffer.concat([head, withThumbnail.subarray(0, 12)]))]).toEqual([]);
    expect([...reader.push(withThumbnail.subarray(12))].map(({ bytes }) => bytes.byteLength)).toEqual([
      withThumbnail.byteLength,
    ]);
  });

  it('refuses headers and parts without an end', () => {
    const endless = new MultipartReader('frame');
    expect(() => [...endless.push(Buffer.alloc(20_000, 'x'))]).toThrow(SourceError);
    const claims = new MultipartReader('frame');
    const claim = `--frame\r\nContent-Length: ${PART_BYTES_MAX + 1}\r\n\r\n`;
    expect(() => [...claims.push(Buffer.from(claim))]).toThrow(/33554432 are allowed/);
    const grows = new MultipartReader('frame');
    const pour = (): void => {
      void [...grows.push(Buffer.from('--frame\r\n\r\n'))];
      for (let i = 0; i < 40; i += 1) void [...grows.push(Buffer.alloc(1024 * 1024))];
    };
    expect(pour).toThrow(/33554432 are allowed/);
  });

  it('never gives more than it was given, whatever comes', () => {
    const soup = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...['--frame', '\r\n', '\r\n\r\n', 'Content-Length: 3'].map((t) => Buffer.from(t))),
    );
    fc.assert(
      fc.property(fc.array(soup, { maxLength: 40 }), (pieces) => {
        const reader = new MultipartReader('frame');
        const given = pieces
          .flatMap((piece) => [...reader.push(piece)])
          .reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
        expect(given).toBeLessThanOrEqual(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
      }),
    );
  });
});
