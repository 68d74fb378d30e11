// Real source processes: frames reach every ring, slots are respected, counts add up, lost cameras come back.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Camera,
  type CameraHealth,
  type CameraLoss,
  type CameraOptions,
  type CameraToken,
  openCamera,
} from '../../../agent/frames/frames.ts';
import { renderLoop } from '../../../agent/frames/line/loop.ts';
import { openRing } from '../../../agent/frames/ring.ts';
import { packGoldenSet } from '../../../shared/release/golden.ts';
import { type InputContract, inputContractSchema } from '../../../shared/release/manifest.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const RAW = { name: 'x', dtype: 'uint8', layout: 'NHWC', color: 'rgb', fit: 'letterbox', normalise: 'in-graph' };
const SMALL = inputContractSchema.parse({ ...RAW, shape: [1, 16, 16, 3] });
const LARGE = inputContractSchema.parse({ ...RAW, shape: [1, 32, 32, 3] });

let dir: string;
let cameras: Camera[];
let tokens: CameraToken[];
let health: CameraHealth[];
let losses: CameraLoss[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-camera-'));
  mkdirSync(join(dir, 'rings'));
  cameras = [];
  tokens = [];
  health = [];
  losses = [];
});
afterEach(async () => {
  await Promise.all(cameras.map((camera) => camera.close()));
  rmSync(dir, { recursive: true, force: true });
});

/** A 16x16 picture of one grey. */
function grey(value: number): Promise<Buffer> {
  const background = { r: value, g: value, b: value };
  return sharp({ create: { width: 16, height: 16, channels: 3, background } })
    .png()
    .toBuffer();
}

async function folderOf(values: readonly number[]): Promise<string> {
  const path = join(dir, 'pictures');
  mkdirSync(path, { recursive: true });
  for (const [i, value] of values.entries()) writeFileSync(join(path, `${i}.png`), await grey(value));
  return path;
}

async function goldenOf(values: readonly number[]): Promise<string> {
  const path = join(dir, 'frames.bin');
  const frames = await Promise.all(
    values.map(async (value) => ({ picture: await grey(value), format: 'png' as const, objects: [] })),
  );
  writeFileSync(path, packGoldenSet('grey-cards', frames));
  return path;
}

async function open(options: Partial<CameraOptions> & Pick<CameraOptions, 'source'>): Promise<Camera> {
  const camera = await openCamera({
    cameraId: 'cam-1',
    device: 'dev-1',
    contracts: [SMALL],
    ringDir: join(dir, 'rings'),
    slots: 4,
    log: openRecordingLog(),
    onFrame: (token) => tokens.push(token),
    onHealth: (sample) => health.push(sample),
    onLost: (loss) => losses.push(loss),
    ...options,
  });
  cameras.push(camera);
  return camera;
}

function firstByte(camera: Camera, contract: InputContract, slot: number): number {
  const info = camera.ring(contract);
  const ring = openRing(info, 'r');
  const frame = new Uint8Array(info.frameBytes);
  ring.read(slot, frame);
  ring.close();
  return frame[0]!;
}

async function until(what: string, isTrue: () => boolean, deadlineMs = 10_000): Promise<void> {
  const startedAt = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAt > deadlineMs) throw new Error(`still waiting for: ${what}`);
    await delay(5);
  }
}

/** Process ids of the sources that this test's process has started. */
function sourcePids(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean);
  return children.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('source-process.ts');
    } catch {
      return false;
    }
  });
}

function assertCountsAddUp(camera: Camera): void {
  const { captured, delivered, dropped } = camera.counts();
  expect(captured).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
  expect(delivered).toBe(tokens.length);
}

describe('a folder of pictures', () => {
  it('is played around for ever, and each token leads to its own picture', async () => {
    const values = [10, 60, 110];
    const camera = await open({
      source: { kind: 'folder', path: await folderOf(values), fps: 60 },
      onFrame: (token) => {
        expect(firstByte(camera, SMALL, token.slot)).toBe(values[token.index]);
        tokens.push(token);
        camera.release(token.slot);
      },
    });
    await until('seven frames', () => tokens.length >= 7);
    const seqs = tokens.map((token) => token.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(new Set(tokens.map((token) => token.index)).size).toBe(3);
    expect(Math.abs(tokens[0]!.capturedAtMs - Date.now())).toBeLessThan(10_000);
    const now = Number(process.hrtime.bigint()) / 1e6;
    expect(now - tokens.at(-1)!.monotonicMs).toBeLessThan(5000);
    assertCountsAddUp(camera);
  });

  it('stops delivering when no slot is free, counts what it drops, and is not called lost for it', async () => {
    const camera = await open({ source: { kind: 'folder', path: await folderOf([10]), fps: 50 } });
    await until('drops', () => camera.counts().dropped['no-free-slot'] > 100, 15_000);
    expect(tokens.map((token) => token.slot).sort()).toEqual([0, 1, 2, 3]);
    assertCountsAddUp(camera);
    expect(losses).toEqual([]);
    camera.release(tokens[0]!.slot);
    await until('one more frame', () => tokens.length === 5);
    expect(tokens[4]!.slot).toBe(tokens[0]!.slot);
    expect(tokens[4]!.seq).toBeGreaterThan(100);
    assertCountsAddUp(camera);
  });

  it('writes each frame into the ring of every contract, and takes contracts in and out while it runs', async () => {
    const camera = await open({
      source: { kind: 'folder', path: await folderOf([10, 200]), fps: 60 },
      onFrame: (token) => {
        tokens.push(token);
        if (tokens.length <= 3) camera.release(token.slot);
      },
    });
    await until('frames', () => tokens.length >= 3);
    expect(() => camera.ring(LARGE)).toThrow(/has no ring for this contract/);
    await camera.setContracts([SMALL, LARGE]);
    const held = tokens.slice(3);
    for (const token of held) camera.release(token.slot);
    const seen = tokens.length;
    await until('a frame after the change', () => tokens.length > seen);
    const { slot, index } = tokens.at(-1)!;
    expect([SMALL, LARGE].map((contract) => firstByte(camera, contract, slot))).toEqual(
      index === 0 ? [10, 10] : [200, 200],
    );
    await camera.setContracts([LARGE]);
    expect(readdirSync(join(dir, 'rings')).filter((name) => !name.endsWith('.owner'))).toHaveLength(1);
    expect(() => camera.ring(SMALL)).toThrow(RangeError);
  });

  it('reports the health of the picture about once a second', async () => {
    const camera = await open({
      source: { kind: 'folder', path: await folderOf([60]), fps: 30 },
      onFrame: (token) => camera.release(token.slot),
    });
    await until('two reports', () => health.length >= 2);
    expect(health[0]).toMatchObject({ saturatedShare: 0, redBlueRatio: 1 });
    expect(health[0]!.luma).toBeCloseTo(60, 3);
  });

  it('counts a broken picture as unreadable and goes on with the next', async () => {
    const path = await folderOf([10, 20]);
    writeFileSync(join(path, '1.png'), 'no picture');
    const camera = await open({
      source: { kind: 'folder', path, fps: 60 },
      onFrame: (token) => {
        tokens.push(token);
        camera.release(token.slot);
      },
    });
    await until('both kinds', () => tokens.length > 3 && camera.counts().dropped.unreadable > 3);
    expect(new Set(tokens.map((token) => token.index))).toEqual(new Set([0]));
    assertCountsAddUp(camera);
  });
});

describe('a golden set', () => {
  it('is delivered whole and in order, waiting for slots instead of dropping', async () => {
    const values = Array.from({ length: 12 }, (_, i) => i * 20);
    let isEnded = false;
    const camera = await open({
      source: { kind: 'golden', path: await goldenOf(values) },
      slots: 2,
      onEnded: () => {
        isEnded = true;
      },
    });
    for (let i = 0; i < values.length; i++) {
      await until(`frame ${i}`, () => tokens.length > i);
      expect(firstByte(camera, SMALL, tokens[i]!.slot)).toBe(values[i]);
      camera.release(tokens[i]!.slot);
    }
    await until('the end', () => isEnded);
    expect(tokens.map((token) => token.index)).toEqual(values.map((_, i) => i));
    expect(camera.counts()).toMatchObject({ captured: 12, delivered: 12 });
    expect(losses).toEqual([]);
  });
});

describe('a rendered line', () => {
  it('is played at its pace, seamlessly around', async () => {
    const path = join(dir, 'line.loop');
    await renderLoop({ path, worldSeed: 7, frames: 59, stepPx: 8 });
    const camera = await open({
      source: { kind: 'line', path, fps: 120 },
      contracts: [inputContractSchema.parse({ ...RAW, shape: [1, 256, 256, 3] })],
      onFrame: (token) => {
        tokens.push(token);
        camera.release(token.slot);
      },
    });
    await until('once around', () => tokens.some((token) => token.seq > 59));
    for (const token of tokens) expect(token.index).toBe(token.seq % 59);
    assertCountsAddUp(camera);
  });
});

describe('a camera that is lost', () => {
  it('is said to be lost when its process dies, comes back, and keeps what is still read', async () => {
    const camera = await open({ source: { kind: 'folder', path: await folderOf([10, 60]), fps: 60 } });
    await until('all slots', () => tokens.length === 4);
    const before = tokens.at(-1)!.seq;
    camera.release(tokens[1]!.slot);
    await until('the slot to be used again', () => tokens.length === 5);
    process.kill(sourcePids()[0]!, 'SIGKILL');
    await until('the loss', () => losses.length === 1);
    expect(losses[0]).toMatchObject({ reason: 'crashed' });
    camera.release(tokens[4]!.slot);
    await until('a frame of the new process', () => tokens.length === 6);
    expect(tokens[5]!.slot).toBe(tokens[4]!.slot);
    expect(tokens[5]!.seq).toBeGreaterThan(before);
    assertCountsAddUp(camera);
  });

  it('is said to have stalled when its process hangs', async () => {
    const camera = await open({
      source: { kind: 'folder', path: await folderOf([10]), fps: 30 },
      onFrame: (token) => {
        tokens.push(token);
        camera.release(token.slot);
      },
    });
    await until('frames', () => tokens.length > 3);
    process.kill(sourcePids()[0]!, 'SIGSTOP');
    await until('the loss', () => losses.length === 1);
    expect(losses[0]).toMatchObject({ reason: 'stalled' });
    const seen = tokens.length;
    await until('frames again', () => tokens.length > seen + 3);
  });

  it('is not called lost because the whole box stood still for a while', async () => {
    const camera = await open({
      source: { kind: 'folder', path: await folderOf([10]), fps: 30 },
      onFrame: (token) => {
        tokens.push(token);
        camera.release(token.slot);
      },
    });
    await until('frames', () => tokens.length > 3);
    const [source] = sourcePids();
    process.kill(source!, 'SIGSTOP');
    // Longer than a camera of this pace may be silent.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
    process.kill(source!, 'SIGCONT');
    const seen = tokens.length;
    await until('frames again', () => tokens.length > seen + 100);
    expect(losses).toEqual([]);
  });

  it('is said to be unreadable when there is nothing to read, and found when there is', async () => {
    await open({ source: { kind: 'folder', path: join(dir, 'pictures'), fps: 30 } });
    await until('two losses', () => losses.length === 2);
    expect(losses[0]).toMatchObject({ reason: 'source-unreadable' });
    expect(losses[0]!.detail).toMatch(/reading the picture folder .*check the path/);
    await folderOf([10]);
    await until('a frame', () => tokens.length > 0, 15_000);
  });
});

describe('closing', () => {
  it('ends the process and leaves nothing in the ring directory', async () => {
    const camera = await open({ source: { kind: 'folder', path: await folderOf([10]), fps: 30 } });
    await until('a frame', () => tokens.length > 0);
    await camera.close();
    expect(sourcePids()).toEqual([]);
    expect(readdirSync(join(dir, 'rings'))).toEqual([]);
    assertCountsAddUp(camera);
  });

  it('leaves no ring behind when one of them cannot be made', async () => {
    const broken = { ...SMALL, shape: [1, 1e6, 1e6, 3] };
    await expect(
      open({ source: { kind: 'folder', path: dir, fps: 30 }, contracts: [SMALL, broken] }),
    ).rejects.toThrow();
    expect(readdirSync(join(dir, 'rings'))).toEqual([]);
  });
});
