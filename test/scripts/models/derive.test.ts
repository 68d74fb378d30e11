// Rewritten models answer as their names promise, and are the same bytes every time.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../scripts/models/calibrate.ts';
import { averageOverFlips, permuteClasses } from '../../../scripts/models/derive.ts';
import { openModelSession } from '../../../scripts/models/evaluation/model-session.ts';
import { silentlyPermuted } from '../../../scripts/models/make-model.ts';
import { readModel } from '../../../scripts/models/onnx/reader.ts';
import { writeModel } from '../../../scripts/models/onnx/writer.ts';
import { calibrationTensors, quantise } from '../../../scripts/models/quantise.ts';
import { RELEASES_DIR } from '../../../scripts/models/release-store.ts';
import { renderLabelled } from '../../../scripts/models/training/scenes.ts';

const bytes = readFileSync(`${RELEASES_DIR}/cv-detector/2.0.0/model.onnx`);
const model = readModel(bytes);
const input = { name: 'image_u8', shape: [1, 256, 256, 3] };
const CELLS = 1024;
const picture = renderLabelled('calibrate', 0).rgb;

async function answer(model: Uint8Array, pixels: Uint8Array = picture): Promise<Float32Array> {
  const session = await openModelSession(model, input);
  try {
    return (await session.run(pixels)).output.data as Float32Array;
  } finally {
    await session.close();
  }
}

const row = (output: Float32Array, index: number) => output.subarray(index * CELLS, (index + 1) * CELLS);

describe('permuteClasses', () => {
  it('moves the scores and leaves the boxes', async () => {
    const before = await answer(bytes);
    const after = await answer(writeModel(permuteClasses(model, [3, 2, 1, 0])));
    for (const [from, to] of [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 7],
      [5, 6],
      [6, 5],
      [7, 4],
    ] as const) {
      expect(row(after, to)).toEqual(row(before, from));
    }
  });

  it('can be silent: the metadata keeps the old names', () => {
    expect(readModel(silentlyPermuted(bytes)).metadata).toEqual(model.metadata);
  });
});

describe('averageOverFlips', () => {
  it('answers the mean of the picture and its two mirror images, mapped back', async () => {
    const averaged = await answer(writeModel(averageOverFlips(model)));
    const plain = await answer(bytes);
    const across = await answer(bytes, mirrored(picture, 'across'));
    const down = await answer(bytes, mirrored(picture, 'down'));
    let worst = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      const [x, y] = [cell % 32, Math.floor(cell / 32)];
      const otherX = y * 32 + (31 - x);
      const otherY = (31 - y) * 32 + x;
      for (let part = 0; part < 8; part++) {
        const fromAcross = row(across, part)[otherX]!;
        const fromDown = row(down, part)[otherY]!;
        const mappedAcross = part === 0 ? 256 - fromAcross : fromAcross;
        const mappedDown = part === 1 ? 256 - fromDown : fromDown;
        const wanted = (2 * row(plain, part)[cell]! + mappedAcross + mappedDown) / 4;
        worst = Math.max(worst, Math.abs(row(averaged, part)[cell]! - wanted));
      }
    }
    expect(worst).toBeLessThan(0.01);
  });

  it('shares the weights: the file grows by less than a twentieth', () => {
    expect(writeModel(averageOverFlips(model)).length).toBeLessThan(bytes.length * 1.05);
  });
});

describe('quantise', () => {
  it('keeps the answers close at a third of the size', async () => {
    const ranges = await calibrate(model, [picture, renderLabelled('calibrate', 1).rgb]);
    expect([...ranges.keys()]).toEqual(calibrationTensors(model));
    const whole = writeModel(quantise(model, ranges));
    expect(whole.length).toBeLessThan(bytes.length / 3);
    const [before, after] = [await answer(bytes), await answer(whole)];
    const scores = [4, 5, 6, 7].flatMap((index) =>
      [...row(before, index)].map((value, i) => [value, row(after, index)[i]!]),
    );
    const sure = scores.filter(([score = 0]) => score > 0.5);
    for (const [score = 0, quantised = 0] of sure) expect(Math.abs(score - quantised)).toBeLessThan(0.2);
    const drift =
      scores.reduce((sum, [score = 0, quantised = 0]) => sum + Math.abs(score - quantised), 0) / scores.length;
    expect(drift).toBeLessThan(0.01);
  });

  it('is a pure function of model and ranges', () => {
    const ranges = new Map(calibrationTensors(model).map((name, i) => [name, { low: -i, high: i + 1 }]));
    expect(writeModel(quantise(model, ranges))).toEqual(writeModel(quantise(readModel(bytes), ranges)));
  });
});

function mirrored(rgb: Uint8Array, way: 'across' | 'down'): Uint8Array {
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      const from = way === 'across' ? y * 256 + (255 - x) : (255 - y) * 256 + x;
      out.set(rgb.subarray(from * 3, from * 3 + 3), (y * 256 + x) * 3);
    }
  }
  return out;
}
