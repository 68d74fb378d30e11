// Broken loop files are refused with a code and the place of the fault; whole ones read back exactly.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderLotCodeLoop } from '../../../../agent/frames/line/loop.ts';
import { LoopError, openLoop, sidecarOf } from '../../../../agent/frames/line/loop-file.ts';
import { writeLoop } from '../../../../agent/frames/line/loop-writer.ts';
import { BelayError } from '../../../../shared/basics/errors.ts';

const FRAMES = 5;
const folder = mkdtempSync(join(tmpdir(), 'belay-loop-file-'));
const whole = join(folder, 'whole.loop');

beforeAll(() => renderLotCodeLoop({ path: whole, worldSeed: 1, frames: FRAMES }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy to damage. */
function copied(name: string): string {
  const path = join(folder, name);
  copyFileSync(whole, path);
  copyFileSync(sidecarOf(whole), sidecarOf(path));
  return path;
}

function editSidecar(path: string, edit: (lines: string[]) => readonly string[]): void {
  writeFileSync(sidecarOf(path), edit(readFileSync(sidecarOf(path), 'utf8').split('\n')).join('\n'));
}

function refusalOf(read: () => unknown): BelayError {
  try {
    read();
  } catch (error) {
    if (error instanceof BelayError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('openLoop', () => {
  it('reads back every frame of a whole loop', () => {
    const loop = openLoop(whole);
    const frames = Array.from({ length: FRAMES }, (_, i) => loop.read(i));
    loop.close();
    expect(loop).toMatchObject({ kind: 'lot-code', frameCount: FRAMES, width: 160, height: 32 });
    expect(Buffer.concat(frames)).toEqual(readFileSync(whole));
    expect(() => loop.read(FRAMES)).toThrow(RangeError);
    expect(() => loop.truth(-1)).toThrow(RangeError);
  });

  it('says which file is missing', () => {
    const refusal = refusalOf(() => openLoop(join(folder, 'nowhere.loop')));
    expect(refusal).toBeInstanceOf(LoopError);
    expect(refusal.code).toBe('loop-missing');
    expect(refusal.message).toContain('nowhere.loop');
    const path = copied('no-data.loop');
    rmSync(path);
    expect(refusalOf(() => openLoop(path)).code).toBe('loop-missing');
  });

  it('refuses a film that was cut off', () => {
    const path = copied('cut.loop');
    truncateSync(path, 1000);
    expect(refusalOf(() => openLoop(path))).toMatchObject({
      code: 'loop-malformed',
      message: expect.stringMatching(/holds 1000 bytes where its sidecar promises \d+/),
    });
  });

  it('refuses a frame that is no whole JPEG', () => {
    const path = copied('scrambled.loop');
    const bytes = readFileSync(path);
    bytes[0] = 0;
    writeFileSync(path, bytes);
    const loop = openLoop(path);
    expect(refusalOf(() => loop.read(0)).message).toContain('no whole JPEG at byte 0');
    expect(loop.read(1).length).toBeGreaterThan(100);
    loop.close();
  });

  it.each<[string, (lines: string[]) => readonly string[], RegExp]>([
    ['an empty sidecar', () => [], /line 1 is wrong: not JSON/],
    [
      'another format',
      ([header, ...rest]) => [header!.replace('belay-loop/1', 'belay-loop/2'), ...rest],
      /line 1 is wrong: format/,
    ],
    ['a missing frame', (lines) => lines.filter((_, i) => i !== 2), /sidecar of 4 frames where its header promises 5/],
    ['a lost last line end', (lines) => lines.slice(0, -1), /cut off/],
    [
      'a gap',
      (lines) => lines.map((line, i) => (i === 2 ? line.replace(/"length":\d+/, '"length":9') : line)),
      /puts frame 2 at byte/,
    ],
    [
      'truth of another kind',
      (lines) => lines.map((line, i) => (i === 1 ? withTruth(line, { kind: 'line', parts: [], boxes: [] }) : line)),
      /mixes line truth into a lot-code loop/,
    ],
    [
      'a box without a size',
      (lines) =>
        lines.map((line, i) => (i === 1 ? withTruth(line, { kind: 'line', parts: [], boxes: [{ w: -1 }] }) : line)),
      /line 2 is wrong: .*truth\.boxes\.0/,
    ],
  ])('refuses %s', (name, edit, reason) => {
    const path = copied(`${name.replaceAll(' ', '-')}.loop`);
    editSidecar(path, edit);
    const refusal = refusalOf(() => openLoop(path));
    expect(refusal.code).toBe('loop-malformed');
    expect(refusal.message).toMatch(reason);
    expect(refusal.message).toContain('render it again');
  });

  it('never throws anything but a LoopError, whatever the sidecar holds', () => {
    const path = copied('random.loop');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `${json}\n${json}\n`),
        ),
        (text) => {
          writeFileSync(sidecarOf(path), text);
          expect(refusalOf(() => openLoop(path))).toBeInstanceOf(LoopError);
        },
      ),
    );
  });
});

const withTruth = (line: string, truth: unknown): string => JSON.stringify({ ...JSON.parse(line), truth });

describe('writeLoop', () => {
  const plan = {
    format: 'belay-loop/1',
    kind: 'lot-code',
    key: 'k',
    encoding: 'jpeg',
    width: 1,
    height: 1,
    frameCount: 3,
  } as const;

  it('leaves nothing behind when a frame cannot be drawn', async () => {
    const path = join(folder, 'failed.loop');
    const frame = { bytes: Buffer.from([0xff, 0xd8, 0xff, 0xd9]), truth: { kind: 'lot-code', text: 'A' } } as const;
    const draw = async (index: number) => {
      if (index === 1) throw new Error('lens cap');
      return frame;
    };
    await expect(writeLoop(path, plan, draw)).rejects.toThrow('lens cap');
    expect(refusalOf(() => openLoop(path)).code).toBe('loop-missing');
    expect(() => readFileSync(`${path}.${process.pid}.part`)).toThrow('ENOENT');
  });

  it('keeps the loop that was there when a new one fails', async () => {
    const path = copied('kept.loop');
    await expect(writeLoop(path, plan, () => Promise.reject(new Error('no light')))).rejects.toThrow('no light');
    const loop = openLoop(path);
    expect(loop.frameCount).toBe(FRAMES);
    loop.close();
  });
});
