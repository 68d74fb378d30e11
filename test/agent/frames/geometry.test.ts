// Boxes go the way that pixels go: through region, fit and padding, and back.
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Box, boxToInput, boxToPicture, isSameView } from '../../../agent/frames/geometry.ts';
import { preprocess } from '../../../agent/frames/preprocess.ts';
import { truthInFrame } from '../../../agent/golden-truth.ts';
import { type InputContract, inputContractSchema } from '../../../shared/release/manifest.ts';

const PICTURE = { width: 400, height: 200 };
const PATCH = [120, 60, 80, 40] as const;

function contract(more: Partial<InputContract> = {}): InputContract {
  const raw = { name: 'x', dtype: 'uint8', layout: 'NHWC', color: 'gray', pad: 0, normalise: 'in-graph' };
  return inputContractSchema.parse({ ...raw, fit: 'letterbox', shape: [1, 128, 160, 1], ...more });
}

const CONTRACTS: readonly InputContract[] = [
  contract(),
  contract({ fit: 'stretch' }),
  contract({ fit: 'cover' }),
  contract({ roi: [0.25, 0.1, 0.5, 0.8] }),
  contract({ fit: 'cover', roi: [0.1, 0.2, 0.7, 0.6], shape: [1, 64, 192, 1] }),
];

/** A white patch on black, as the model would see it: the box around everything bright. */
async function seenBox(input: InputContract): Promise<Box> {
  const [left, top, width, height] = PATCH;
  const patch = { create: { width, height, channels: 3 as const, background: '#fff' } };
  const black = { create: { ...PICTURE, channels: 3 as const, background: '#000' } };
  const bytes = await sharp(black)
    .composite([{ input: await sharp(patch).png().toBuffer(), left, top }])
    .png()
    .toBuffer();
  const frame = await preprocess({ bytes }, input);
  const [, , across = 0] = input.shape;
  const bright = [...frame.keys()].filter((at) => (frame[at] ?? 0) > 127);
  const [xs, ys] = [bright.map((at) => at % across), bright.map((at) => Math.floor(at / across))];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return [x, y, Math.max(...xs) + 1 - x, Math.max(...ys) + 1 - y];
}

describe('a box', () => {
  it.each(CONTRACTS)('lies where preprocessing puts its pixels (%#)', async (input) => {
    const expected = boxToInput(PATCH, PICTURE, input);
    const seen = await seenBox(input);
    for (const [at, value] of seen.entries()) expect(Math.abs(value - (expected[at] ?? 0))).toBeLessThanOrEqual(1.5);
  });

  it('comes back to where it was', () => {
    const side = fc.double({ min: 1, max: 300, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...CONTRACTS), fc.tuple(side, side, side, side), (input, box) => {
        const back = boxToPicture(boxToInput(box, PICTURE, input), PICTURE, input);
        for (const [at, value] of back.entries()) expect(value).toBeCloseTo(box[at] ?? 0, 6);
      }),
    );
  });
});

describe('isSameView', () => {
  it('asks for size, fit and region, not for colours and types', () => {
    expect(isSameView(contract(), contract({ dtype: 'float32', layout: 'NCHW', shape: [1, 1, 128, 160] }))).toBe(true);
    for (const other of CONTRACTS.slice(1)) expect(isSameView(contract(), other)).toBe(false);
  });
});

describe('the truth of a golden picture', () => {
  const seen = (box: readonly [number, number, number, number], visible: number, input: InputContract) => {
    const object = {
      label: 'dent',
      box: [...box] as [number, number, number, number],
      size: 'large' as const,
      visible,
    };
    const frame = { offset: 0, bytes: 1, format: 'png' as const, objects: [object] };
    return truthInFrame(frame, PICTURE, input).objects[0];
  };

  it('is where the model sees it', () => {
    expect(seen(PATCH, 1, contract())).toMatchObject({ box: [48, 48, 32, 16], visible: 1 });
  });

  it('is as visible as the contract leaves it, and not cut twice by the edge of the picture', () => {
    expect(seen(PATCH, 1, contract({ roi: [0.4, 0, 0.6, 1], fit: 'stretch' }))?.visible).toBeCloseTo(0.5);
    expect(seen([-40, 60, 80, 40], 0.5, contract())?.visible).toBeCloseTo(0.5);
  });
});
