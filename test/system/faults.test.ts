// A candidate that dies, hangs or crawls costs no frame: the baseline answers the very frame, the device goes back by itself,
// remembers why, and the rollout follows.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { hanging, slowed } from '../../scripts/models/faults.ts';
import type { DeviceDocument } from '../../shared/protocol/api-devices.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import type { EventKind } from '../../shared/protocol/reports.ts';
import { renamed } from './releases.ts';
import { crashAgent, DEADLINE_MS, openWorld, type World } from './world.ts';

/** Long enough for a camera of five frames a second: what was captured meanwhile waits for a runner that stands still. */
const SILENCE_MS = 800;

const CALM_ANSWERS = 50;

let world: World;
let baseline: ReleaseRef;

beforeAll(async () => {
  const devices = ['plant-1/cam-1', 'plant-2/cam-2', 'plant-3/cam-3', 'plant-3/cam-4'];
  world = await openWorld({ devices, controlPlane: { registry: { approvedOperators: ['Loop'] } } });
  baseline = await world.releases.register('cv-detector/1.8.2');
});

afterAll(() => world?.close());

describe('a candidate whose process is killed', () => {
  it('loses no frame, is set aside the second time, and stays so over a restart', async () => {
    const candidate = await world.releases.derive('1.9.0', renamed('killed'));
    for (const _ of ['first', 'second']) {
      const id = await serve('cam-1', 'plant-1', candidate, { deadlineFloorMs: 10_000 });
      const rescued = await killInFlight('cam-1', candidate);
      expect(rescued).toMatchObject({ model_digest: baseline.digest, role: 'baseline' });
      await world.releases.awaitRollout(id, 'goes back', (view) => view.state === 'rolled_back');
    }
    await expectEvents('cam-1', candidate, ['serving', 'crash', 'quarantined']);
    await crashAgent(world.agent('cam-1'));
    world.fleet.restartAgent('cam-1');
    const from = world.answers('cam-1').length;
    await world.awaitAnswer('cam-1', 'after its restart', () => true, from + 3);
    await expectQuarantine('cam-1', candidate, 'oom');
    const id = await world.releases.startRollout({ name: 'again', candidate, sites: ['plant-1'] });
    await world.releases.awaitRollout(id, 'is refused by the device', (view) => view.state === 'rolled_back');
    expect(digestsSince('cam-1', from)).toEqual([baseline.digest]);
  });

  it('is let out by a person, who says why', async () => {
    const explained = await world.belay('device', 'explain', 'plant-1/cam-1');
    expect(explained.stdout).toContain('belay device lift plant-1/cam-1 --reason');
    const lifted = await world.belay('device', 'lift', 'plant-1/cam-1', '--yes', '--reason', 'more memory');
    expect(lifted.stdout).toContain('cv-detector:1.9.0');
    await world.awaitDevice(
      'cam-1',
      'keeps nothing in quarantine',
      ({ reported }) => reported?.quarantine.length === 0,
    );
    const events = (await world.events('cam-1')).map(({ event }) => event);
    expect(events.find(({ kind }) => kind === 'quarantine-lifted')?.reason).toBe('more memory');
  });
});

describe('a candidate that hangs', () => {
  it('in its proof is set aside before it sees a frame', async () => {
    const candidate = await world.releases.derive('1.10.0', hanging, { coldMs: 5000 });
    const from = world.answers('cam-2').length;
    const id = await world.releases.startRollout({ name: 'loop', candidate, sites: ['plant-2'] });
    const { reported } = await expectQuarantine('cam-2', candidate, 'fault');
    expect(reported?.quarantine.map((entry) => entry.reason)).toEqual([
      expect.stringMatching(/not ready after 5000 ms/),
    ]);
    await world.releases.awaitRollout(id, 'goes back', (view) => view.state === 'rolled_back');
    expect(digestsSince('cam-2', from)).toEqual([baseline.digest]);
  });

  it('on live frames is stood in for by the baseline, frame by frame, and then set aside', async () => {
    const candidate = await world.releases.derive('1.11.0', renamed('hangs'));
    const id = await serve('cam-2', 'plant-2', candidate, { deadlineFloorMs: 1000, deadlineMisses: 3 });
    const runner = await runnerOfCandidate('cam-2');
    process.kill(runner, 'SIGSTOP');
    const from = world.answers('cam-2').length;
    const rescued = await world.awaitAnswer('cam-2', 'by the baseline', isBaseline, from);
    // The frame that hung was given up at its deadline, not answered from scratch.
    expect(rescued.latency_ms).toBeGreaterThan(900);
    await expectQuarantine('cam-2', candidate, 'hang');
    await until(() => !isAlive(runner), DEADLINE_MS);
    expect(isAlive(runner)).toBe(false);
    await expectEvents('cam-2', candidate, ['breach', 'quarantined', 'reverted']);
    await world.releases.awaitRollout(id, 'goes back', (view) => view.state === 'rolled_back');
  });
});

describe('a candidate that is too slow for a local limit', () => {
  it('is taken back by each device alone, and everywhere when enough have', async () => {
    const candidate = await world.releases.derive('1.12.0', (model) => slowed(model, 6));
    const limits = { ...PATIENT, latencyRatio: 1.3, latencyForMs: 3000 };
    for (const device of ['cam-3', 'cam-4']) await calmBaseline(device);
    const deviceReverts = { percent: 10, min: 2 };
    const id = await world.releases.startRollout({
      name: 'slow',
      candidate,
      sites: ['plant-3'],
      limits,
      deviceReverts,
    });
    const { decisions } = await world.releases.awaitRollout(id, 'goes back', (view) => view.state === 'rolled_back');
    expect(decisions.find(({ rule }) => rule === 'device-trip-wire')?.reason).toMatch(
      /^2 of 2 devices went back by themselves/,
    );
    for (const device of ['cam-3', 'cam-4']) {
      await expectQuarantine(device, candidate, 'breach');
      await expectEvents(device, candidate, ['serving', 'breach', 'quarantined']);
      const { reported } = await world.device(device);
      expect(reported?.quarantine[0]?.reason).toMatch(/^p95 latency .* ms > 1.3 × own baseline .* ms for 3 s$/);
      await world.awaitAnswer(device, 'by the baseline again', isBaseline, world.answers(device).length);
    }
  });
});

const PATIENT: Partial<DeviceLimits> = { deadlineFloorMs: 10_000 };

/** A device compares with its own baseline of the last frames: those of its start are slow, and must be behind it. */
async function calmBaseline(device: string): Promise<void> {
  const recent = () => world.answers(device).slice(-CALM_ANSWERS);
  const isCalm = () =>
    world.answers(device).length > 2 * CALM_ANSWERS && recent().every(({ latency_ms }) => latency_ms < 500);
  await until(isCalm, DEADLINE_MS);
}

/** Starts a rollout to the one device of this site; resolves when the candidate answers there. */
async function serve(
  device: string,
  site: string,
  candidate: ReleaseRef,
  limits: Partial<DeviceLimits>,
): Promise<string> {
  const from = world.answers(device).length;
  const id = await world.releases.startRollout({ name: 'faults', candidate, sites: [site], limits });
  await world.awaitAnswer(device, 'by the candidate', (answer) => answer.model_digest === candidate.digest, from);
  return id;
}

/** Lets the candidate's process stand still with a frame in its hands, kills it, and gives the first answer after that. */
async function killInFlight(device: string, candidate: ReleaseRef): Promise<AnswerRecord> {
  const runner = await runnerOfCandidate(device);
  process.kill(runner, 'SIGSTOP');
  let count = world.answers(device).length;
  let sinceMs = performance.now();
  await until(() => {
    const now = world.answers(device).length;
    if (now !== count) [count, sinceMs] = [now, performance.now()];
    return performance.now() - sinceMs > SILENCE_MS;
  }, DEADLINE_MS);
  expect(world.answers(device).at(-1)?.model_digest).toBe(candidate.digest);
  const killedAtMs = Date.now();
  process.kill(runner, 'SIGKILL');
  const rescued = await world.awaitAnswer(device, 'after the kill', () => true, count);
  expect(rescued.captured_at_ms).toBeLessThan(killedAtMs);
  expect(sequenceOf(rescued)).toBe(sequenceOf(world.answers(device)[count - 1]) + 1);
  return rescued;
}

/** `<device>/<camera>/<boot>-<sequence>` */
function sequenceOf(answer: AnswerRecord | undefined): number {
  return Number(answer?.request_id.split('-').at(-1));
}

function isBaseline(answer: AnswerRecord): boolean {
  return answer.model_digest === baseline.digest;
}

function digestsSince(device: string, from: number): readonly string[] {
  return [
    ...new Set(
      world
        .answers(device)
        .slice(from)
        .map((answer) => answer.model_digest),
    ),
  ];
}

async function expectQuarantine(device: string, candidate: ReleaseRef, kind: string): Promise<DeviceDocument> {
  return world.awaitDevice(device, `keeps ${candidate.release} in quarantine (${kind})`, ({ reported }) =>
    (reported?.quarantine ?? []).some((entry) => entry.digest === candidate.digest && entry.kind === kind),
  );
}

/** Events of this release arrive in this order; others may lie between them. */
async function expectEvents(device: string, candidate: ReleaseRef, kinds: readonly EventKind[]): Promise<void> {
  const missing = async (): Promise<readonly EventKind[]> => {
    const events = (await world.events(device)).map(({ event }) => event);
    const seen = new Set(events.filter(({ digest }) => digest === candidate.digest).map(({ kind }) => kind));
    return kinds.filter((kind) => !seen.has(kind));
  };
  await until(async () => (await missing()).length === 0, DEADLINE_MS);
  expect(await missing(), `events of ${device} that are missing`).toEqual([]);
}

/** The younger of the two runners of an agent: the baseline's was there first. */
async function runnerOfCandidate(device: string): Promise<number> {
  const { pid } = world.agent(device).program;
  let runners = runnersOf(pid);
  const isAlone = await until(() => {
    runners = runnersOf(pid);
    return runners.length === 2;
  }, DEADLINE_MS);
  expect(isAlone, 'baseline and candidate are loaded, and no proof is under way').toBe(true);
  return runners[1]?.pid ?? -1;
}

type RunnerProcess = { readonly pid: number; readonly startedAt: number };

function runnersOf(agentPid: number): readonly RunnerProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // After the name in brackets: state, parent, … and the start time as the 20th.
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const isRunner = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('runner-process');
        return isRunner && Number(fields[1]) === agentPid ? [{ pid: Number(name), startedAt: Number(fields[19]) }] : [];
      } catch {
        return []; // It has ended meanwhile.
      }
    })
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
