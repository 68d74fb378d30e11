// What the pool asks of the runners that it opens; the frame loop behind it is the real one.
import { expect, it, vi } from 'vitest';
import type { Camera } from '../../agent/frames/frames.ts';
import type { FrameToken } from '../../agent/inference/inference.ts';
import type { Launcher, LaunchOptions } from '../../agent/inference/launcher.ts';
import { RunnerPool } from '../../agent/runner-pool.ts';
import { tinyPackage } from '../builders/tiny-package.ts';
import { openFakeRunner } from '../fakes/fake-runner.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { ref } from './core/core-world.ts';
import { FrameWorld } from './frame-world.ts';

const manifest = tinyPackage().parsed;
const CAMERA: Camera = {
  ring: () => ({ path: '/dev/shm/ring', slots: 2, frameBytes: 1 }),
  setContracts: () => Promise.resolve(),
  release: () => {},
  counts: () => ({
    captured: 0,
    delivered: 0,
    dropped: { 'no-free-slot': 0, late: 0, unreadable: 0, 'ring-write': 0, 'source-died': 0 },
  }),
  close: () => Promise.resolve(),
};

it('is in a hurry for a proven baseline only while nobody answers, and never for one on trial', async () => {
  const { loop } = new FrameWorld();
  const launched: string[] = [];
  const launcher: Launcher = {
    prepare: () => Promise.resolve(),
    standBy: () => undefined,
    memory: () => ({ enforced: false, reason: 'fake' }),
    launch: <T extends FrameToken>(options: LaunchOptions<T>) => {
      launched.push(`${options.role} ${options.urgent === true ? 'urgent' : 'calm'}`);
      return Promise.resolve(openFakeRunner<T>(options));
    },
  };
  const loaded: string[] = [];
  const pool = new RunnerPool({
    cameras: new Map([['camera-1', CAMERA]]),
    frameLoop: loop,
    launcher,
    readInstalled: (digest) => Promise.resolve({ ref: { ...ref('b'), digest }, manifest, packageDir: '/nowhere' }),
    discardDamaged: () => Promise.resolve(),
    threadsFor: () => 1,
    prewarmFor: () => ({ warmupFrames: null, coldStartProbes: 1 }),
    isProven: (digest) => digest !== ref('f').digest,
    telemetry: { recordRunner: () => {} },
    send: (event) => loaded.push(event.kind),
    log: openRecordingLog(),
  });
  const load = async (name: string, priority: 'baseline' | 'candidate'): Promise<void> => {
    const before = loaded.length;
    pool.load(ref(name).digest, priority);
    await vi.waitFor(() => expect(loaded.slice(before)).toEqual(['loaded']));
  };
  await load('c', 'candidate');
  await load('b', 'baseline');
  await pool.unload(ref('b').digest, 'at-once');
  await pool.unload(ref('c').digest, 'at-once');
  await load('b', 'baseline');
  await pool.unload(ref('b').digest, 'at-once');
  await load('f', 'baseline');
  expect(launched).toEqual(['candidate calm', 'baseline calm', 'baseline urgent', 'baseline calm']);
});
