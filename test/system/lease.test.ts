// The dead man's switch on real devices: who cannot hear the control plane for longer than its lease goes back to the
// baseline, or goes on where its site holds; a process that slept answers nothing with a candidate before it has asked again.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { renamed } from './releases.ts';
import { openWireTap, type WireTap } from './wire-tap.ts';
import { changeConfig, DEADLINE_MS, openWorld, type World } from './world.ts';

const TTL_MS = 4000;
/** From the look at the lease to the date on the answer, on a machine that does a lot besides. */
const STAMP_MS = 300;
const REVERTS = 'cam-a1';
const HOLDS = 'cam-b1';
const LEASE_TOPIC = `belay/v1/plant-a/${REVERTS}/lease`;

let world: World;
let baseline: ReleaseRef;
let candidate: ReleaseRef;
let rolloutId: string;
let tap: WireTap | null = null;

beforeAll(async () => {
  world = await openWorld({ devices: [`plant-a/${REVERTS}`, `plant-b/${HOLDS}`] });
  baseline = await world.releases.register('cv-detector/1.8.2');
  candidate = await world.releases.derive('1.9.0', renamed('lease'));
  const lease = { ttl: `${TTL_MS}ms`, sites: { 'plant-b': { onLapse: 'hold' } } };
  rolloutId = await world.releases.startRollout({ name: 'lease', candidate, lease });
  await bothServe();
});

afterAll(async () => {
  await tap?.close();
  await world?.close();
});

describe('a control plane that is gone', () => {
  it('takes the candidate from its devices when their leases have run out, but not where the site holds', async () => {
    await serves();
    await world.crashControlPlane();
    const goneAtMs = Date.now();
    await world.awaitAnswer(REVERTS, 'answers with the baseline', ({ model_digest, answered_at_ms }) => {
      return answered_at_ms > goneAtMs && model_digest === baseline.digest;
    });
    await answersAfter(REVERTS, goneAtMs + TTL_MS + STAMP_MS, 10);
    const { reverting, holding } = { reverting: since(REVERTS, goneAtMs), holding: since(HOLDS, goneAtMs) };
    const lastAtMs = Math.max(...reverting.filter(isCandidates).map(({ answered_at_ms }) => answered_at_ms));
    expect(lastAtMs).toBeLessThan(goneAtMs + TTL_MS + STAMP_MS);
    expect(holding.some((answer) => answer.answered_at_ms > goneAtMs + TTL_MS && isCandidates(answer))).toBe(true);
    expect(holding.every(isCandidates)).toBe(true);
  });

  it('hears of it when it is back, renews, and blames nobody', async () => {
    await world.fleet.restartControlPlane();
    await bothServe();
    for (const device of [REVERTS, HOLDS])
      await until(async () => (await kindsOf(device)).includes('lease-renewed'), DEADLINE_MS);
    expect(await kindsOf(REVERTS)).toEqual(['lease-lapsed', 'lease-renewed']);
    expect(await kindsOf(HOLDS)).toEqual(['lease-lapsed', 'lease-renewed']);
    const lapsed = (await world.events(HOLDS)).find(({ event }) => event.kind === 'lease-lapsed');
    expect(lapsed?.event.reason).toContain('this site holds');
    const view = await world.releases.awaitRollout(rolloutId, 'counts both', ({ exposure }) => exposure.exposed === 2);
    expect(view).toMatchObject({ state: 'running', exposure: { reverted: 0, dark: 0 } });
    const explained = await world.belay('device', 'explain', `plant-a/${REVERTS}`);
    expect(explained.stdout).toContain(`The lease of ${candidate.release} runs`);
  });
});

describe('a supervisor that slept for longer than its lease', () => {
  it('answers no frame with the candidate after it wakes up', async () => {
    await serves();
    const { program } = world.agent(REVERTS);
    program.kill('SIGSTOP');
    const stoppedAtMs = Date.now();
    await world.crashControlPlane();
    await until(() => Date.now() > stoppedAtMs + TTL_MS + STAMP_MS, 2 * TTL_MS);
    const wokenAtMs = Date.now();
    program.kill('SIGCONT');
    await answersAfter(REVERTS, wokenAtMs, 15);
    expect(since(REVERTS, wokenAtMs).map(({ model_digest }) => model_digest)).not.toContain(candidate.digest);
    await world.fleet.restartControlPlane();
  });
});

describe('a lease that was recorded', () => {
  it('is refused when it is sent again, in its own boot and in the next', async () => {
    tap = await openWireTap(world.fleet.mqttUrl);
    await restartThrough(tap);
    await until(() => leases().length >= 2, DEADLINE_MS);
    const [recorded = ''] = leases();
    for (let time = 0; time < 3; time += 1) tap.inject(LEASE_TOPIC, recorded);
    await refuses({ 'lease-replayed': 3 });
    await restartThrough(tap);
    tap.inject(LEASE_TOPIC, recorded);
    await refuses({ 'lease-of-another-boot': 1 });
  });
});

const isCandidates = ({ model_digest }: AnswerRecord) => model_digest === candidate.digest;

function since(device: string, fromMs: number): readonly AnswerRecord[] {
  return world.answers(device).filter(({ answered_at_ms }) => answered_at_ms >= fromMs);
}

async function answersAfter(device: string, fromMs: number, count: number): Promise<void> {
  await until(() => since(device, fromMs).length >= count, DEADLINE_MS);
  expect(since(device, fromMs).length).toBeGreaterThanOrEqual(count);
}

async function bothServe(): Promise<void> {
  for (const device of [REVERTS, HOLDS])
    await world.awaitDevice(device, 'answers with the candidate under a lease', ({ online, reported }) => {
      return online && reported?.serving?.digest === candidate.digest && reported.lease?.state === 'running';
    });
}

/** The candidate answers a frame of now. */
async function serves(): Promise<void> {
  const fromMs = Date.now();
  await until(() => since(REVERTS, fromMs).some(isCandidates), DEADLINE_MS);
}

async function kindsOf(device: string): Promise<readonly string[]> {
  const events = (await world.events(device)).map(({ event }) => event.kind);
  return events.filter((kind) => kind.startsWith('lease-') || kind === 'reverted').reverse();
}

/** Ends the agent cleanly and starts it behind the tap; resolves when it answers with the candidate again. */
async function restartThrough({ url }: WireTap): Promise<void> {
  const agent = world.agent(REVERTS);
  await agent.program.stop();
  await changeConfig(agent, (config) => {
    config.controlPlane.mqttUrl = url;
  });
  world.fleet.restartAgent(REVERTS);
  await serves();
}

function leases(): readonly string[] {
  return (tap?.heard() ?? []).filter(({ topic }) => topic === LEASE_TOPIC).map(({ text }) => text);
}

async function refuses(counts: Readonly<Record<string, number>>): Promise<void> {
  const device = await world.awaitDevice(REVERTS, `refuses ${JSON.stringify(counts)}`, ({ reported }) => {
    return Object.entries(counts).every(([kind, count]) => reported?.refused[kind] === count);
  });
  expect(device.reported).toMatchObject({ refused: counts, serving: { digest: candidate.digest } });
}
