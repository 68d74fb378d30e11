// A stuck frame loop starves the watchdog: the real loop with fake runners before it, and the real systemd-notify behind it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Onlookers, openOnlookers } from '../../agent/onlookers.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { DEVICE, SITE } from './core/core-world.ts';
import { FrameWorld } from './frame-world.ts';
import { NotifyListener } from './watchdog/notify-listener.ts';

const TIMEOUT_MS = 30_000;
const FRAME_MS = 100;

describe('the watchdog of the frame loop', () => {
  let folder = '';
  let listener: NotifyListener;
  let onlookers: Onlookers;
  let world: FrameWorld;
  let log: ReturnType<typeof openRecordingLog>;
  let looks = 0;

  beforeEach(async () => {
    // Deadlines of frames never fall due by themselves; the watchdog looks by an interval, which is real.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    world = new FrameWorld();
    folder = mkdtempSync(join(tmpdir(), 'belay-onlookers-'));
    listener = new NotifyListener(join(folder, 'notify'));
    await expect.poll(() => listener.isOpen()).toBe(true);
    log = openRecordingLog();
    onlookers = openOnlookers({
      config: { preview: null, pictures: 'allowed', controlPlane: null, site: SITE, device: DEVICE },
      boot: 'boot-0001',
      env: { NOTIFY_SOCKET: listener.path, PATH: process.env.PATH, WATCHDOG_USEC: String(TIMEOUT_MS * 1000) },
      control: {
        state: () => world.control.state(),
        get ticks() {
          looks += 1;
          return looks;
        },
      },
      frameLoop: world.loop,
      cameras: new Map(),
      sinks: { report: () => [] },
      monotonicNow: () => world.nowMs,
      wallNow: () => 0,
      log,
    });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await onlookers.close();
    await listener.close();
    rmSync(folder, { recursive: true });
  });

  const pings = (): number => listener.values('WATCHDOG').length;
  const looked = async (): Promise<void> => {
    const before = looks;
    await expect.poll(() => looks).toBeGreaterThan(before + 1);
  };
  /** Frames of a camera over so much time; `act` does what the runner does meanwhile. */
  const film = (ms: number, act: () => void = () => undefined): void => {
    for (let passed = 0; passed < ms; passed += FRAME_MS) {
      world.nowMs += FRAME_MS;
      world.frame();
      act();
    }
  };

  it('is fed while frames are answered', async () => {
    film(TIMEOUT_MS / 2, () => world.runner('b').answer());
    await expect.poll(pings).toBe(1);
  });

  it('starves when the loop holds its frames and only lets newer ones take the place of older ones', async () => {
    film(FRAME_MS * 10);
    await looked();
    for (let third = 0; third < 5; third += 1) {
      film(TIMEOUT_MS / 3);
      await looked();
    }
    expect(world.loop.counter.supersededFrames).toBeGreaterThan(400);
    expect(log.entries.map(({ message }) => message)).toContain('the watchdog is fed no more');
    const silent = pings();
    film(TIMEOUT_MS);
    await looked();
    expect(pings()).toBe(silent);
    // It moves again.
    for (let frame = 0; frame < 3; frame += 1) world.runner('b').answer();
    await expect.poll(pings).toBeGreaterThan(silent);
  });

  it('is fed while no camera gives frames', async () => {
    film(FRAME_MS * 10, () => world.runner('b').answer());
    await looked();
    for (let minute = 0; minute < 3; minute += 1) {
      const before = pings();
      world.nowMs += 60_000;
      await expect.poll(pings).toBeGreaterThan(before);
    }
  });
});
