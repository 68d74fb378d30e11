// JPEGs made by a process of its own: of any layout and order of colours, small enough, and none that it cannot make.
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { jpegsOf } from '../../../agent/frames/jpeg.ts';
import type { InputContract } from '../../../shared/release/manifest.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const SIDE = 640;

function contractOf(layout: 'NHWC' | 'NCHW', color: 'rgb' | 'bgr'): InputContract {
  const shape = layout === 'NHWC' ? [1, SIDE, SIDE, 3] : [1, 3, SIDE, SIDE];
  const view = { fit: 'letterbox', pad: 114, resample: 'linear', normalise: 'in-graph' } as const;
  return { name: 'image', dtype: 'uint8', layout, color, shape, ...view };
}

/** Orange, as red 250, green 120, blue 10. */
function orange({ layout, color }: InputContract): Uint8Array {
  const order = color === 'rgb' ? [250, 120, 10] : [10, 120, 250];
  const pixels = SIDE * SIDE;
  return Uint8Array.from({ length: pixels * 3 }, (_, at) =>
    layout === 'NHWC' ? (order[at % 3] ?? 0) : (order[Math.floor(at / pixels)] ?? 0),
  );
}

it('are the picture that the model saw, whatever its layout, and no larger than they may be', async () => {
  const log = openRecordingLog();
  const contracts = [contractOf('NHWC', 'rgb'), contractOf('NCHW', 'bgr'), contractOf('NHWC', 'rgb')];
  const noise = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => (at * 2_654_435_761) % 251);
  const frames = contracts.map((contract, at) => ({ contract, bytes: at < 2 ? orange(contract) : noise }));
  const jpegs = await jpegsOf(frames, { bytesMax: 60_000, log });
  expect(log.entries).toEqual([]);
  for (const jpeg of jpegs.slice(0, 2)) {
    const { data, info } = await sharp(jpeg ?? Buffer.alloc(0))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([SIDE, SIDE]);
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * 1000);
    expect([Math.abs(red - 250), Math.abs(green - 120), Math.abs(blue - 10)].every((off) => off < 8)).toBe(true);
  }
  // Noise takes a megabyte as it is: it is made smaller until it fits.
  const small = await sharp(jpegs[2] ?? Buffer.alloc(0)).metadata();
  expect(jpegs[2]?.byteLength).toBeLessThanOrEqual(60_000);
  expect(small.width).toBeLessThan(SIDE);
}, 60_000);
