// Local limits on a real device: real agent, real models, real pixels, and a machine that a test describes in its own /sys and
// /proc. A dark camera and throttling that both share take nobody off; throttling that begins with the candidate does for
// a while, and a candidate that is truly slow does for good.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import { AgentRig, type PackedRelease } from '../agent/agent-rig.ts';

const DEADLINE_MS = 60_000;
/** Short dwells, and nothing that a loaded machine would break by itself. */
const LIMITS: Partial<DeviceLimits> = {
  fpsFloor: 1,
  fpsForMs: 2000,
  emptyForMs: 2000,
  throttleForMs: 2000,
  coolDownMs: 3000,
  latencyRatio: null,
  latencyForMs: 3000,
  deadlineFloorMs: 10_000,
};

const rig = new AgentRig();
let baseline: PackedRelease;
let sound: PackedRelease;
let slow: PackedRelease;

/** A machine that is throttled or not; nothing else is known of it. */
function setThrottled(isThrottled: boolean): void {
  const device = join(rig.folder, 'sys/class/thermal/cooling_device0');
  mkdirSync(device, { recursive: true });
  writeFileSync(join(device, 'type'), 'cpufreq-cpu0\n');
  writeFileSync(join(device, 'max_state'), '3\n');
  writeFileSync(join(device, 'cur_state'), isThrottled ? '1\n' : '0\n');
}

beforeAll(async () => {
  baseline = await rig.open('cv-detector/1.8.2');
  setThrottled(false);
  mkdirSync(join(rig.folder, 'proc'));
  rig.configure({ ringDir: 'rings', sysRoot: 'sys', procRoot: 'proc' });
  sound = await rig.publish('cv-detector/2.0.0');
  slow = await rig.publish('cv-detector/2.3.0');
  rig.limits = LIMITS;
  rig.start();
  // Its first ten seconds are a warm-up, with which nobody is compared.
  await rig.until('the baseline answers calmly', () => rig.windows.length >= 14, DEADLINE_MS);
});

afterAll(() => rig.close());

const breaches = () => rig.events.filter((event) => event.kind === 'breach').map((event) => event.breach);
const answeredSince = (from: number, by: PackedRelease) =>
  rig.answers.slice(from).filter((answer) => answer.model_digest === by.digest).length;

/** Waits until the agent has been at it for so long by its own windows, whatever it answered. */
async function watchWindows(count: number): Promise<void> {
  const from = rig.windows.length;
  await rig.until(`${count} windows`, () => rig.windows.length >= from + count, DEADLINE_MS);
}

/** False: it has ended. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

describe('a candidate', () => {
  it('is not taken off because its camera stands still, for longer than every dwell', async () => {
    await rig.order(baseline, { ...sound, role: 'serve' });
    await rig.until('it answers', () => answeredSince(0, sound) > 10, DEADLINE_MS);
    // The agent replaces a source that stands still; each new one stands still too.
    const stopped = new Set<number>();
    const until = rig.windows.length + 6;
    await rig.until('six windows in the dark', () => {
      for (const { pid } of rig.processes().filter(({ nice }) => nice === 0))
        if (signal(pid, 'SIGSTOP')) stopped.add(pid);
      return rig.windows.length >= until;
    });
    expect(stopped.size).toBeGreaterThan(0);
    for (const pid of stopped) signal(pid, 'SIGCONT');
    const from = rig.answers.length;
    await rig.until('it answers again', () => answeredSince(from, sound) > 20, DEADLINE_MS);
    expect(breaches()).toEqual([]);
    expect(answeredSince(from, baseline)).toBe(0);
  });

  it('that throttling begins with goes for a cool-down, and stays when the baseline is throttled as well', async () => {
    setThrottled(true);
    await rig.until('it is taken off', () => rig.event('breach')?.breach === 'throttling', DEADLINE_MS);
    expect(rig.event('breach')?.reason).toMatch(
      /^throttled \(cooling:cpufreq-cpu0\) for \d+(\.\d)? s > limit 2 s, from [\d.]+ s after it came/,
    );
    const from = rig.answers.length;
    await rig.until('the baseline answers', () => answeredSince(from, baseline) > 3, DEADLINE_MS);
    await rig.until('it comes back', () => answeredSince(from, sound) > 3, DEADLINE_MS);
    await watchWindows(5);
    expect(breaches()).toEqual(['throttling']);
    expect(rig.reported?.quarantine).toEqual([]);
    expect(rig.reported?.serving?.digest).toBe(sound.digest);
  });

  it('that is truly slow is set aside by its latency', async () => {
    setThrottled(false);
    rig.limits = { ...LIMITS, latencyRatio: 1.4 };
    const from = rig.answers.length;
    await rig.order(baseline, { ...slow, role: 'serve' });
    await rig.until('it answers', () => answeredSince(from, slow) > 3, DEADLINE_MS);
    await rig.until('it is set aside', () => (rig.reported?.quarantine.length ?? 0) > 0, DEADLINE_MS);
    expect(rig.reported?.quarantine).toMatchObject([{ digest: slow.digest, kind: 'breach' }]);
    expect(rig.reported?.quarantine[0]?.reason).toMatch(/^p95 latency .* ms > 1.4 × own baseline .* ms for 3 s$/);
    const after = rig.answers.length;
    await rig.until('the baseline answers', () => answeredSince(after, baseline) > 3, DEADLINE_MS);
  });
});
