// Pictures to model-ready frames, checked pixel by pixel on pictures small enough to know by heart.
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Picture, preprocess } from '../../../agent/frames/preprocess.ts';
import { type InputContract, inputContractSchema } from '../../../shared/release/manifest.ts';

function contract(change: Record<string, unknown> = {}): InputContract {
  const base = { name: 'x', dtype: 'uint8', layout: 'NHWC', shape: [1, 4, 4, 3], color: 'rgb', fit: 'letterbox' };
  return inputContractSchema.parse({ ...base, normalise: 'in-graph', ...change });
}

/** A picture whose every channel value is different, as raw pixels. */
function ramp(width: number, height: number, channels: 1 | 3 | 4 = 3): Picture {
  const bytes = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 5) % 256);
  return { bytes, raw: { width, height, channels } };
}

/** One colour everywhere. */
function plain(width: number, height: number, [r, g, b]: readonly [number, number, number]): Picture {
  const bytes = Uint8Array.from({ length: width * height * 3 }, (_, i) => [r, g, b][i % 3]!);
  return { bytes, raw: { width, height, channels: 3 } };
}

async function asPng(picture: Picture): Promise<Picture> {
  return { bytes: await sharp(picture.bytes, { raw: picture.raw! }).png().toBuffer() };
}

describe('preprocess', () => {
  it('does not touch a picture that has exactly the input size, raw or compressed', async () => {
    const picture = ramp(4, 4);
    expect(Buffer.from(await preprocess(picture, contract()))).toEqual(Buffer.from(picture.bytes));
    expect(Buffer.from(await preprocess(await asPng(picture), contract()))).toEqual(Buffer.from(picture.bytes));
  });

  it('letterboxes: whole picture in the middle, the pad value around it', async () => {
    const frame = await preprocess(plain(8, 4, [200, 100, 50]), contract({ pad: 7 }));
    const rows = [0, 1, 2, 3].map((y) => [...frame.subarray(y * 12, y * 12 + 3)]);
    expect(rows).toEqual([
      [7, 7, 7],
      [200, 100, 50],
      [200, 100, 50],
      [7, 7, 7],
    ]);
  });

  it('stretches and covers without padding', async () => {
    for (const fit of ['stretch', 'cover'] as const) {
      const frame = await preprocess(plain(8, 4, [200, 100, 50]), contract({ fit }));
      expect([...new Set(frame)].sort((a, b) => a - b)).toEqual([50, 100, 200]);
    }
  });

  it('covers with the middle of the picture', async () => {
    const bytes = Uint8Array.from({ length: 8 * 4 * 3 }, (_, i) =>
      Math.floor(i / 3) % 8 >= 2 && Math.floor(i / 3) % 8 < 6 ? 9 : 250,
    );
    const frame = await preprocess({ bytes, raw: { width: 8, height: 4, channels: 3 } }, contract({ fit: 'cover' }));
    expect([...new Set(frame)]).toEqual([9]);
  });

  it('puts channels in the order and planes that the contract says', async () => {
    const picture = plain(4, 4, [1, 2, 3]);
    expect([...(await preprocess(picture, contract({ color: 'bgr' })))].slice(0, 6)).toEqual([3, 2, 1, 3, 2, 1]);
    const planes = await preprocess(picture, contract({ layout: 'NCHW', shape: [1, 3, 4, 4] }));
    expect([0, 16, 32].map((at) => planes[at])).toEqual([1, 2, 3]);
    const bgr = await preprocess(picture, contract({ layout: 'NCHW', shape: [1, 3, 4, 4], color: 'bgr' }));
    expect([0, 16, 32].map((at) => bgr[at])).toEqual([3, 2, 1]);
  });

  it('does not change the picture it was given when it swaps colours', async () => {
    const picture = plain(4, 4, [1, 2, 3]);
    await preprocess(picture, contract({ color: 'bgr' }));
    expect([...picture.bytes.subarray(0, 3)]).toEqual([1, 2, 3]);
  });

  it('makes grey of colour and colour of grey, and drops transparency', async () => {
    const grey = await preprocess(plain(4, 4, [90, 90, 90]), contract({ color: 'gray', shape: [1, 4, 4, 1] }));
    expect([...grey]).toEqual(new Array(16).fill(90));
    const strip = { bytes: new Uint8Array(16).fill(33), raw: { width: 4, height: 4, channels: 1 as const } };
    expect([...(await preprocess(strip, contract({ color: 'gray', shape: [1, 4, 4, 1] })))]).toEqual([...strip.bytes]);
    expect([...(await preprocess(await asPng(strip), contract()))]).toEqual(new Array(48).fill(33));
    expect(await preprocess(await asPng(ramp(4, 4, 4)), contract())).toHaveLength(48);
  });

  it('uses only the region of interest, unresampled when it has the input size', async () => {
    const picture = ramp(8, 8);
    const frame = await preprocess(picture, contract({ roi: [0.5, 0.25, 0.5, 0.5] }));
    const expected = [2, 3, 4, 5].flatMap((y) => [...picture.bytes.subarray((y * 8 + 4) * 3, (y * 8 + 8) * 3)]);
    expect([...frame]).toEqual(expected);
  });

  it('repeats pixels with the nearest kernel', async () => {
    const bytes = Uint8Array.from([10, 10, 10, 200, 200, 200, 10, 10, 10, 200, 200, 200]);
    const picture = { bytes, raw: { width: 2, height: 2, channels: 3 as const } };
    const frame = await preprocess(picture, contract({ resample: 'nearest' }));
    expect([...new Set(frame)].sort((a, b) => a - b)).toEqual([10, 200]);
  });

  it('rejects a picture that was cut off or is none', async () => {
    const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#808080' } })
      .jpeg()
      .toBuffer();
    await expect(preprocess({ bytes: jpeg.subarray(0, 200) }, contract())).rejects.toThrow();
    await expect(preprocess({ bytes: Uint8Array.from([1, 2, 3]) }, contract())).rejects.toThrow();
  });
});
