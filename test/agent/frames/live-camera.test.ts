// A camera at its own pace, without a process: which pictures are kept, and which memory is given back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFrameWriter } from '../../../agent/frames/frame-writer.ts';
import { type LiveCamera, playCamera } from '../../../agent/frames/live-camera.ts';
import type { Picture } from '../../../agent/frames/preprocess.ts';
import { createRing } from '../../../agent/frames/ring.ts';
import { inputContractSchema } from '../../../shared/release/manifest.ts';

const CONTRACT = inputContractSchema.parse({
  ...{ name: 'x', dtype: 'uint8', layout: 'NHWC', color: 'rgb', fit: 'letterbox', normalise: 'in-graph' },
  shape: [1, 2, 2, 3],
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-live-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function openWriter() {
  const ring = createRing({ ringDir: dir, device: 'dev', cameraId: 'cam', contract: CONTRACT }, 8);
  const source = { kind: 'snapshots' as const, url: 'http://127.0.0.1/', caFile: null, fps: 5 };
  const rings = [{ contract: CONTRACT, ring }];
  return openFrameWriter({ type: 'hello', source, slots: 8, held: [], generation: 0, rings }, () => undefined);
}

/** As ffmpeg's pictures come: bare pixels, which are the frame already. */
const pictureOf = (value: number): Picture => ({
  bytes: new Uint8Array(12).fill(value),
  raw: { width: 2, height: 2, channels: 3 },
});

/** Gives each of these when the one before it has been worked on or, at once, with it. */
function cameraOf(turns: readonly (readonly Picture[])[], settled: () => Promise<void>): LiveCamera {
  return {
    async play(feed) {
      for (const turn of turns) {
        for (const picture of turn) feed.picture(picture);
        await settled();
      }
    },
    close: () => undefined,
  };
}

describe('playCamera', () => {
  it('keeps the newest picture, gives back the memory of those before it, and never that of one that is looked at', async () => {
    const writer = openWriter();
    const [first, second, skipped, last] = [1, 2, 3, 4].map(pictureOf) as [Picture, Picture, Picture, Picture];
    const judged: number[] = [];
    const settled = async (): Promise<void> => {
      const until = writer.counts().captured;
      await expect.poll(() => writer.counts().delivered + writer.counts().dropped.late).toBeGreaterThan(until);
    };
    const judge = async ({ bytes }: Picture): Promise<void> => {
      await Promise.resolve();
      judged.push(bytes[0] ?? -1);
    };
    // The third comes while the second is worked on, and the fourth before its turn.
    const camera = cameraOf([[first], [second, skipped, last]], settled);
    await playCamera(camera, writer, { fps: 5, judge, judgeEveryMs: 0 });
    expect(writer.counts()).toMatchObject({ captured: 4, delivered: 3, dropped: { late: 1 } });
    expect([first, second, skipped, last].map(({ bytes }) => bytes.byteLength)).toEqual([0, 0, 0, 12]);
    expect(judged).toEqual([1, 2, 4]);
  });
});
