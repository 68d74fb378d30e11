// Readiness, liveness, and what systemd hears of them: through the real systemd-notify, on a made-up clock.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstPulse, judgePulse, nextPulse, type PulseFacts } from '../../../agent/watchdog/frame-pulse.ts';
import { readyBecause } from '../../../agent/watchdog/readiness.ts';
import { openWatchdog, type Watchdog } from '../../../agent/watchdog/watchdog.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { NotifyListener } from './notify-listener.ts';

describe('readyBecause', () => {
  const facts = { sinceStartMs: 0, answered: 0, isServing: false };
  it('waits for the first answer', () => {
    expect(readyBecause({ ...facts, isServing: true, sinceStartMs: 9_999 })).toBeNull();
    expect(readyBecause({ ...facts, answered: 1 })).toBe('the first frame is answered');
  });
  it('does not wait for a camera for ever, nor for a release that can answer', () => {
    expect(readyBecause({ ...facts, isServing: true, sinceStartMs: 10_000 })).toContain('no camera gives frames');
    expect(readyBecause({ ...facts, sinceStartMs: 89_999 })).toBeNull();
    expect(readyBecause({ ...facts, sinceStartMs: 90_000 })).toContain('no release answers yet');
  });
});

describe('judgePulse', () => {
  function life(facts: readonly Partial<PulseFacts>[]) {
    const [first, ...rest] = facts.map((one, at) => ({ nowMs: 0, offered: 0, settled: 0, ticks: at, ...one }));
    const start = first ?? { nowMs: 0, offered: 0, settled: 0, ticks: 0 };
    const pulse = rest.reduce(nextPulse, firstPulse(start));
    return judgePulse(pulse, rest.at(-1)?.nowMs ?? 0, 1000);
  }

  it('is alive while frames are answered or dropped, however many are on their way', () => {
    const moving = [0, 900, 1800, 2700].map((nowMs, at) => ({ nowMs, offered: at + 8, settled: at }));
    expect(life(moving)).toEqual({ kind: 'alive' });
  });
  it('is alive without a camera', () => {
    expect(life([{ nowMs: 0 }, { nowMs: 60_000 }])).toEqual({ kind: 'alive' });
    const lost = { offered: 9, settled: 9 };
    expect(life([lost, { ...lost, nowMs: 60_000 }])).toEqual({ kind: 'alive' });
  });
  it('is wedged when frames come and nothing becomes of them', () => {
    const facts = [0, 500, 1000, 2000].map((nowMs) => ({ nowMs, offered: 5 + nowMs, settled: 5 }));
    expect(life(facts)).toMatchObject({ kind: 'wedged', reason: expect.stringContaining('none was answered') });
  });
  it('counts from the first frame that is owed, not from the last one that was answered', () => {
    const quiet = { offered: 5, settled: 5 };
    expect(life([quiet, { ...quiet, nowMs: 5000 }, { nowMs: 5500, offered: 6, settled: 5 }])).toEqual({
      kind: 'alive',
    });
  });
  it('is wedged when the control loop ticks no more', () => {
    expect(life([{ ticks: 7 }, { ticks: 7, nowMs: 1500 }])).toMatchObject({ kind: 'wedged' });
  });
});

describe('the watchdog', () => {
  let folder = '';
  let listener: NotifyListener;
  let watchdog: Watchdog | null = null;
  const clock = { nowMs: 0 };

  beforeEach(async () => {
    clock.nowMs = 0;
    folder = mkdtempSync(join(tmpdir(), 'belay-notify-'));
    listener = new NotifyListener(join(folder, 'notify'));
    await expect.poll(() => listener.isOpen()).toBe(true);
  });
  afterEach(async () => {
    await watchdog?.close();
    watchdog = null;
    await listener.close();
    rmSync(folder, { recursive: true });
  });

  function open(env: Readonly<Record<string, string>> = {}) {
    const facts = { offered: 0, settled: 0, answered: 0, ticks: 0, isServing: true, sentence: 'one\nanswers' };
    const log = openRecordingLog();
    watchdog = openWatchdog({
      env: { NOTIFY_SOCKET: listener.path, PATH: process.env.PATH, WATCHDOG_USEC: '30000000', ...env },
      facts: () => {
        facts.ticks += 1;
        return facts;
      },
      monotonicNow: () => clock.nowMs,
      log,
    });
    return { facts, log };
  }

  it('says READY once with the first answer, what it does in one line, and STOPPING at its end', async () => {
    const { facts } = open();
    await expect.poll(() => listener.values('STATUS')).toEqual(['one answers']);
    expect(listener.values('READY')).toEqual([]);
    facts.answered = 1;
    await expect.poll(() => listener.values('READY')).toEqual(['1']);
    await watchdog?.close();
    await expect.poll(() => listener.values('STOPPING')).toEqual(['1']);
    expect(listener.values('READY')).toEqual(['1']);
  });

  it('pings three times per timeout, stops when frames come and go nowhere, and goes on when they do', async () => {
    const { facts, log } = open();
    const pings = () => listener.values('WATCHDOG').length;
    for (const [at, nowMs] of [10_000, 20_000, 30_000].entries()) {
      Object.assign(facts, { offered: facts.offered + 5, settled: facts.settled + 5 });
      clock.nowMs = nowMs;
      await expect.poll(pings).toBe(at + 1);
    }
    facts.offered += 3;
    clock.nowMs = 30_500;
    // One more look at least has seen that it owes three frames.
    const { ticks } = facts;
    await expect.poll(() => facts.ticks, { timeout: 5000 }).toBeGreaterThan(ticks + 1);
    clock.nowMs = 61_000;
    await expect.poll(() => log.entries.map(({ message }) => message)).toContain('the watchdog is fed no more');
    const silent = pings();
    clock.nowMs = 90_000;
    const later = facts.ticks;
    await expect.poll(() => facts.ticks, { timeout: 5000 }).toBeGreaterThan(later + 1);
    expect(pings()).toBe(silent);
    facts.settled += 3;
    await expect.poll(pings).toBe(silent + 1);
  });

  it('pings nobody who has not asked for it', async () => {
    const { facts } = open({ WATCHDOG_USEC: '' });
    clock.nowMs = 100_000;
    facts.answered = 1;
    await expect.poll(() => listener.values('READY')).toEqual(['1']);
    expect(listener.values('WATCHDOG')).toEqual([]);
  });

  it('does nothing at all where there is no systemd', async () => {
    const { facts } = open({ NOTIFY_SOCKET: '' });
    expect(facts.ticks).toBe(0);
  });

  it('says once that systemd cannot be told', async () => {
    const { log } = open({ PATH: folder });
    await expect
      .poll(() => log.entries.map(({ message }) => message))
      .toEqual(['systemd is not told how this agent fares']);
  });
});
