// Loops on disk: seamless, the same film as single frames, reused while nothing changes.
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { conditionNamed } from '../../../../agent/frames/line/conditions.ts';
import { TRAINING_MIX } from '../../../../agent/frames/line/defects.ts';
import { loopKey, planLoop, renderLoop, renderLotCodeLoop } from '../../../../agent/frames/line/loop.ts';
import { LoopError, openLoop, sidecarOf } from '../../../../agent/frames/line/loop-file.ts';
import { renderLotCode } from '../../../../agent/frames/line/lot-code.ts';
import { hash32 } from '../../../../agent/frames/line/random.ts';
import { renderFrame } from '../../../../agent/frames/line/scene.ts';
import { cutFromStrip, paintAcrossSeam, paintWorld } from '../../../../agent/frames/line/world.ts';

/** Two parts, in eight long steps: short enough for a test. */
const SHORT = { frames: 8, stepPx: 59, worldSeed: 31, mix: TRAINING_MIX };
const folder = mkdtempSync(join(tmpdir(), 'belay-loop-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('renderLoop', () => {
  it('films what renderFrame shows, frame by frame', async () => {
    const path = join(folder, 'nested', 'film.loop');
    const progress: number[] = [];
    const outcome = await renderLoop({ ...SHORT, path, onProgress: (done) => progress.push(done) });
    expect(outcome.kind).toBe('rendered');
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const loop = openLoop(path);
    for (let i = 0; i < loop.frameCount; i++) {
      const frame = renderFrame({ worldSeed: 31, mix: TRAINING_MIX, beltOffset: i * 59, loopParts: 2, noiseSeed: i });
      expect(loop.truth(i)).toEqual({ kind: 'line', boxes: frame.boxes, parts: frame.parts });
      const jpeg = await sharp(loop.read(i)).removeAlpha().raw().toBuffer();
      expect(meanDifference(jpeg, frame.rgb)).toBeLessThan(4);
    }
    loop.close();
  });

  it('keeps bare pixels when asked, in a film of its own', async () => {
    const path = join(folder, 'raw.loop');
    await renderLoop({ ...SHORT, path, encoding: 'raw' });
    const loop = openLoop(path);
    expect(loop.raw).toEqual({ width: 256, height: 256, channels: 3 });
    for (let i = 0; i < loop.frameCount; i++) {
      const frame = renderFrame({ worldSeed: 31, mix: TRAINING_MIX, beltOffset: i * 59, loopParts: 2, noiseSeed: i });
      expect(loop.read(i).equals(frame.rgb)).toBe(true);
    }
    loop.close();
    expect((await renderLoop({ ...SHORT, path, encoding: 'raw' })).kind).toBe('reused');
    expect((await renderLoop({ ...SHORT, path })).kind).toBe('rendered');
  });

  it('reuses the film that is there, and renders anew when anything differs or it is broken', async () => {
    const path = join(folder, 'cache.loop');
    const first = await renderLoop({ ...SHORT, path });
    const bytes = readFileSync(path);
    expect(await renderLoop({ ...SHORT, path })).toEqual({ ...first, kind: 'reused' });
    expect((await renderLoop({ ...SHORT, path, condition: conditionNamed('dim') })).kind).toBe('rendered');
    expect(readFileSync(path).equals(bytes)).toBe(false);
    expect((await renderLoop({ ...SHORT, path })).kind).toBe('rendered');
    expect(readFileSync(path).equals(bytes)).toBe(true);
    truncateSync(path, statSync(path).size - 1);
    expect((await renderLoop({ ...SHORT, path })).kind).toBe('rendered');
    truncateSync(sidecarOf(path), 40);
    expect((await renderLoop({ ...SHORT, path })).kind).toBe('rendered');
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it.each([
    ['steps that do not close', { ...SHORT, frames: 9 }],
    ['a single part', { ...SHORT, frames: 4 }],
    ['more frames than a loop may have', { ...SHORT, frames: 23_600, stepPx: 1 }],
  ])('refuses %s', async (_, request) => {
    const refused = renderLoop({ ...request, path: join(folder, 'refused.loop') });
    await expect(refused).rejects.toBeInstanceOf(LoopError);
    await expect(refused).rejects.toMatchObject({ code: 'loop-request' });
  });
});

describe('the belt of a loop', () => {
  const { world } = planLoop({ ...SHORT, frames: 24 });
  const strip = paintWorld(world, { column: 0, width: 24 * 59, phase: 0 });

  it('is the same picture whichever window painted it, across the seam too', () => {
    for (const column of [0, 100, 24 * 59 - 256, 24 * 59 - 100, 24 * 59 - 1]) {
      const [cut, painted] = [
        cutFromStrip(strip, column, 256),
        paintAcrossSeam(world, { column, width: 256, phase: 0 }),
      ];
      for (const layer of ['red', 'green', 'blue', 'mask', 'defectIds'] as const) {
        expect(Buffer.from(cut[layer].buffer).equals(Buffer.from(painted[layer].buffer)), `${layer} at ${column}`).toBe(
          true,
        );
      }
    }
  });

  it('shows frame N as frame 0', () => {
    const [first, turned] = [0, 24 * 59].map((column) => cutFromStrip(strip, column, 256));
    expect(Buffer.from(turned!.green.buffer).equals(Buffer.from(first!.green.buffer))).toBe(true);
  });

  it('has no step at the seam that the belt does not have elsewhere', () => {
    const columnMean = (x: number) =>
      Array.from({ length: 256 }, (_, y) => strip.green[y * strip.width + x]!).reduce((a, b) => a + b) / 256;
    const means = Array.from({ length: strip.width }, (_, x) => columnMean(x));
    const steps = means.slice(1).map((mean, x) => Math.abs(mean - means[x]!));
    expect(Math.abs(means[0]! - means.at(-1)!)).toBeLessThanOrEqual(Math.max(...steps));
  });
});

describe('loopKey', () => {
  it('follows every parameter, and no default written out', () => {
    const key = loopKey(SHORT);
    expect(loopKey({ ...SHORT, size: 256, condition: conditionNamed('nominal') })).toBe(key);
    const others = [
      { ...SHORT, worldSeed: 32 },
      { ...SHORT, stepPx: 118 },
      { ...SHORT, frames: 16 },
      { ...SHORT, size: 512, frames: 16 },
      { ...SHORT, mix: { ...TRAINING_MIX, rate: 0.5 } },
      { ...SHORT, condition: conditionNamed('noisy') },
    ];
    expect(new Set([key, ...others.map(loopKey)]).size).toBe(others.length + 1);
  });
});

describe('renderLotCodeLoop', () => {
  it('films one code a frame, and knows each', async () => {
    const path = join(folder, 'codes.loop');
    await renderLotCodeLoop({ path, worldSeed: 9, frames: 6 });
    const loop = openLoop(path);
    const codes = Array.from({ length: 6 }, (_, i) => renderLotCode({ seed: hash32(9, 55, i) }));
    expect(codes.map((_, i) => loop.truth(i))).toEqual(codes.map(({ text }) => ({ kind: 'lot-code', text })));
    const jpeg = loop.read(3);
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 160, height: 32, channels: 1 });
    const grey = await sharp(jpeg).toColourspace('b-w').raw().toBuffer();
    expect(meanDifference(grey, codes[3]!.grey)).toBeLessThan(5);
    expect((await renderLotCodeLoop({ path, worldSeed: 9, frames: 6 })).kind).toBe('reused');
    expect((await renderLotCodeLoop({ path, worldSeed: 9, frames: 7 })).kind).toBe('rendered');
    loop.close();
  });
});

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
