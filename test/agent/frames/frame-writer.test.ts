// The source's bookkeeping without a process: whatever comes and goes, captured = delivered + dropped.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFrameWriter } from '../../../agent/frames/frame-writer.ts';
import { MessageReader } from '../../../agent/frames/framing.ts';
import { type Picture, pictureSizeOf, preprocess } from '../../../agent/frames/preprocess.ts';
import { createRing, openRing, removeRing } from '../../../agent/frames/ring.ts';
import {
  decodeFromSource,
  decodeToSource,
  encodeFromSource,
  encodeToSource,
  type FromSource,
} from '../../../agent/frames/source-protocol.ts';
import { inputContractSchema } from '../../../shared/release/manifest.ts';

const RAW = { name: 'x', dtype: 'uint8', layout: 'NHWC', color: 'rgb', fit: 'letterbox', normalise: 'in-graph' };
const CONTRACT = inputContractSchema.parse({ ...RAW, shape: [1, 2, 2, 3] });
const GOOD = { picture: { bytes: new Uint8Array(12), raw: { width: 2, height: 2, channels: 3 as const } }, index: 0 };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-writer-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function open(slots: number, held: readonly number[] = [], contract = CONTRACT) {
  const said: FromSource[] = [];
  const ring = createRing({ ringDir: dir, device: 'dev', cameraId: 'cam', contract }, slots);
  const source = { kind: 'folder' as const, path: '/', fps: 1 };
  const rings = [{ contract, ring }];
  const hello = { type: 'hello' as const, source, slots, held: [...held], generation: 0, rings };
  return { said, ring, rings, writer: openFrameWriter(hello, (message) => said.push(message)) };
}

/** A PNG whose every value is different. */
async function sized(width: number, height: number, channels: 1 | 3 | 4): Promise<Picture> {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 17 + channels) % 256);
  return { bytes: await sharp(pixels, { raw: { width, height, channels } }).png().toBuffer() };
}

type Event = 'good' | 'broken' | 'unreadable' | 'late' | 'release';

describe('the frame writer', () => {
  it('counts every captured frame exactly once, and never gives a slot that is held', async () => {
    const eventArb = fc.constantFrom<Event>('good', 'good', 'good', 'broken', 'unreadable', 'late', 'release');
    await fc.assert(
      fc.asyncProperty(fc.array(eventArb, { maxLength: 40 }), async (events) => {
        const { said, ring, writer } = open(3);
        const held: number[] = [];
        const seen = { tokens: 0 };
        const acts: Record<Event, () => unknown> = {
          good: () => writer.capture(async () => GOOD),
          broken: () => writer.capture(async () => ({ picture: { bytes: new Uint8Array(5) }, index: 1 })),
          unreadable: () => writer.capture(() => Promise.reject(new Error('gone'))),
          late: () => writer.skip(2),
          release: () => {
            const slot = held.shift();
            if (slot !== undefined) writer.release(slot);
          },
        };
        for (const event of events) {
          await acts[event]();
          const tokens = said.filter((message) => message.type === 'token');
          for (const token of tokens.slice(seen.tokens)) {
            expect(held).not.toContain(token.slot);
            held.push(token.slot);
          }
          seen.tokens = tokens.length;
          const { captured, delivered, dropped } = writer.counts();
          expect(captured).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
          expect(delivered).toBe(tokens.length);
        }
        removeRing(ring);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    { what: 'has the size of the input', side: 640, layout: 'NHWC' },
    { what: 'is resampled', side: 500, layout: 'NHWC' },
    { what: 'is turned into planes', side: 640, layout: 'NCHW' },
  ])('holds no memory of a frame that $what once it lies in the ring', async ({ side, layout }) => {
    const shape = layout === 'NHWC' ? [1, 640, 640, 3] : [1, 3, 640, 640];
    const contract = inputContractSchema.parse({ ...RAW, layout, shape });
    const { ring, writer } = open(2, [], contract);
    const pixels = { width: side, height: side, channels: 3 as const };
    const bytes = await sharp(new Uint8Array(side * side * 3), { raw: pixels })
      .png()
      .toBuffer();
    const held: number[] = [];
    for (let index = 0; index < 12; index++) {
      await writer.capture(async () => ({ picture: { bytes }, index }));
      writer.release(index % 2);
      held.push(process.memoryUsage().external);
    }
    expect(writer.counts().delivered).toBe(12);
    // Of each frame a megabyte would wait for the garbage collector, which may come in between.
    expect(Math.max(...held) - held[1]!).toBeLessThan(2 * ring.frameBytes);
    removeRing(ring);
  });

  it('leaves alone the slots that were held before it started', async () => {
    const { said, writer } = open(3, [0, 2]);
    await writer.capture(async () => GOOD);
    await writer.capture(async () => GOOD);
    expect(said.filter((message) => message.type === 'token').map((token) => token.slot)).toEqual([1]);
    expect(writer.counts().dropped['no-free-slot']).toBe(1);
  });

  it('changes rings between two frames, never in the middle of one', async () => {
    const { said, rings, writer } = open(4);
    const capturing = [writer.capture(async () => GOOD), writer.capture(async () => GOOD)];
    const changing = writer.setRings({ generation: 5, rings });
    capturing.push(writer.capture(async () => GOOD));
    await Promise.all([...capturing, changing]);
    expect(said.map((message) => message.type)).toEqual(['rings-set', 'token', 'token', 'rings-set', 'token']);
    expect(writer.counts()).toMatchObject({ captured: 3, delivered: 3 });
  });
});

describe('the source protocol', () => {
  it('writes each picture as the contract says, whatever the ones before it were like', async () => {
    const kinds = await Promise.all([sized(2, 2, 3), sized(2, 2, 4), sized(2, 2, 1), sized(4, 4, 3), sized(2, 3, 3)]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 6 }), async (pictures) => {
        const { said, ring, writer } = open(6);
        for (const [index, picture] of pictures.entries()) await writer.capture(async () => ({ picture, index }));
        const tokens = said.filter((message) => message.type === 'token');
        const reader = openRing(ring, 'r');
        for (const [i, { slot, picture }] of tokens.entries()) {
          const frame = new Uint8Array(ring.frameBytes);
          reader.read(slot, frame);
          expect(frame).toEqual(Uint8Array.from(await preprocess(pictures[i]!, CONTRACT)));
          expect(picture).toEqual(await pictureSizeOf(pictures[i]!));
        }
        reader.close();
        expect(tokens.length).toBe(pictures.length);
        removeRing(ring);
      }),
      { numRuns: 40 },
    );
  });

  it('carries tokens and releases unchanged', () => {
    const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const time = fc.double({ min: 0, max: 1e14, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(u32, u32, u32, u32, u32), fc.tuple(time, time), (numbers, [capturedAtMs, monotonicMs]) => {
        const [seq, slot, index, width, height] = numbers;
        const picture = { width, height };
        const token: FromSource = { type: 'token', seq, slot, index, capturedAtMs, monotonicMs, picture };
        const [message] = new MessageReader().push(encodeFromSource(token));
        expect(decodeFromSource(message!)).toEqual({ ok: true, value: token });
        const [release] = new MessageReader().push(encodeToSource({ type: 'release', slot }));
        expect(decodeToSource(release!)).toEqual({ ok: true, value: { type: 'release', slot } });
      }),
    );
  });

  it('refuses a token or a release of the wrong length, and JSON it does not know', () => {
    expect(decodeFromSource({ kind: 'binary', bytes: new Uint8Array(35) })).toMatchObject({ ok: false });
    expect(decodeToSource({ kind: 'binary', bytes: new Uint8Array(5) })).toMatchObject({ ok: false });
    expect(decodeFromSource({ kind: 'json', value: { type: 'greeting' } })).toMatchObject({ ok: false });
    expect(decodeToSource({ kind: 'json', value: { type: 'hello', slots: 1 } })).toMatchObject({ ok: false });
  });
});
