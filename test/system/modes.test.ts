// Warm modes on a real device whose memory a test describes: refused before anything is downloaded, admitted with a baseline
// that rests and is loaded the moment a kill arrives, and warm where there is room.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Window } from '../../shared/measure/window.ts';
import { AgentRig, type PackedRelease } from '../agent/agent-rig.ts';

const DEADLINE_MS = 60_000;

const rig = new AgentRig();
let baseline: PackedRelease;
let candidate: PackedRelease;

const TOTAL_MB = 4096;

/** What /proc/meminfo says; the real machine has other figures. */
function setAvailable(megabytes: number): void {
  mkdirSync(join(rig.folder, 'proc'), { recursive: true });
  const lines = [`MemTotal:        ${TOTAL_MB * 1024} kB`, `MemAvailable:    ${megabytes * 1024} kB`];
  writeFileSync(join(rig.folder, 'proc/meminfo'), `${lines.join('\n')}\n`);
}

/** Until the device has read it: a window reports the most that was used in it. */
async function untilRead(megabytes: number): Promise<void> {
  const used = (TOTAL_MB - megabytes) * 1024 * 1024;
  const isRead = () => (rig.windows.at(-1) as Window | undefined)?.sensors.memoryUsedBytes === used;
  await rig.until('the device has read its memory', isRead, DEADLINE_MS);
}

/** Runners that are loaded: nice 1 answers, 19 is a golden run that yields. */
const runnerPids = () => rig.processes().flatMap(({ nice, pid }) => (nice === 1 ? [pid] : []));
const runners = () => runnerPids().length;
const answeredSince = (from: number, by: PackedRelease) =>
  rig.answers.slice(from).filter((answer) => answer.model_digest === by.digest).length;

beforeAll(async () => {
  baseline = await rig.open('cv-detector/1.8.2');
  candidate = await rig.publish('cv-detector/2.0.0');
  setAvailable(300);
  rig.configure({ ringDir: 'rings', procRoot: 'proc', memoryReserveMb: 256 });
  rig.limits = { latencyRatio: null, deadlineFloorMs: 10_000 };
  rig.start();
  await rig.until('the baseline answers', () => rig.answers.length > 8, DEADLINE_MS);
});

afterAll(() => rig.close());

describe('a candidate', () => {
  it('that does not fit is refused before its files are downloaded, in numbers', async () => {
    await rig.order(baseline, { ...candidate, role: 'serve' });
    await rig.until('it is refused', () => rig.reported?.mode === 'refuse', DEADLINE_MS);
    expect(rig.reported?.blocked).toMatchObject([
      {
        kind: 'not-warm',
        reason:
          'not even one more runner fits: 550 MB needed by it (400 MB and 150 MB of its runtime), 300 MB available',
      },
    ]);
    expect(rig.downloads()).toEqual([`/v1/manifests/${candidate.digest}`]);
    expect(runners()).toBe(1);
  });

  it('that must be warm is refused where only one more fits', async () => {
    setAvailable(700);
    await untilRead(700);
    rig.requireWarm = true;
    await rig.order(baseline, { ...candidate, role: 'serve' });
    const isRefused = () => rig.reported?.modeBecause.startsWith('its rollout demands both to be loaded') === true;
    await rig.until('it is refused again', isRefused, DEADLINE_MS);
    expect(runners()).toBe(1);
  });

  it('lets the baseline rest, and a kill loads it at once; no frame is answered by the candidate after that', async () => {
    rig.requireWarm = false;
    await rig.order(baseline, { ...candidate, role: 'serve' });
    const [loaded] = runnerPids();
    // Of the two runners one serves, and one stands by without a model.
    const isResting = () =>
      rig.reported?.mode === 'cold-baseline' && runners() === 2 && !runnerPids().includes(loaded ?? 0);
    await rig.until('the baseline rests', isResting, DEADLINE_MS);
    const resting = runnerPids();
    expect(rig.reported?.serving?.digest).toBe(candidate.digest);
    expect(rig.reported?.swapMs).toBeGreaterThan(50);
    expect(rig.reported?.proofs.find(({ digest }) => digest === baseline.digest)?.passed).toBe(true);
    const entry = {
      id: 'k-1',
      scope: { kind: 'fleet' as const },
      reason: 'line stopped',
      actor: 'test',
      raisedAtMs: 1,
    };
    await rig.kill({ v: 1, epoch: 1, issuedAtMs: Date.now(), kills: [entry] });
    await rig.until('the kill is acknowledged', () => rig.event('kill-ack') !== undefined, DEADLINE_MS);
    const ack = rig.event('kill-ack');
    expect(ack).toMatchObject({ digest: baseline.digest, wasServing: true });
    const at = rig.answers.findIndex(({ request_id }) => request_id === ack?.requestId);
    expect(answeredSince(at, candidate)).toBe(0);
    expect(rig.reported?.mode).toBe('warm');
    await rig.until('the candidate is gone', () => runners() === 1, DEADLINE_MS);
    // What answers now is what stood by: it got the model, and nothing was started anew.
    expect(resting).toContain(runnerPids()[0]);
  });

  it('is warm where there is room for both', async () => {
    setAvailable(3000);
    await untilRead(3000);
    await rig.kill({ v: 1, epoch: 2, issuedAtMs: Date.now(), kills: [] });
    const from = rig.answers.length;
    await rig.until('it answers again', () => answeredSince(from, candidate) > 20, DEADLINE_MS);
    expect(rig.reported).toMatchObject({ mode: 'warm', swapMs: null });
    expect(rig.reported?.modeBecause).toContain('3000 MB available, 256 MB kept in reserve');
    expect(runners()).toBe(2);
  });
});
