// The kill switch on real devices: who obeys, before which frame, and for how long it stays, whatever is restarted.
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/fleet/fleet.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { credentialsSchema } from '../../shared/protocol/api-devices.ts';
import { type KillResult, type KillScopeInput, killListSchema, killSchema } from '../../shared/protocol/api-kills.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { FLEET_KILL_TOPIC } from '../../shared/protocol/topics.ts';
import { renamed } from './releases.ts';
import { openWireTap } from './wire-tap.ts';
import { changeConfig, crashAgent, DEADLINE_MS, openWorld, type World } from './world.ts';

const DEVICES = ['cam-a1', 'cam-a2', 'cam-b1'] as const;
const ACTOR = 'system-test';

let world: World;
let baseline: ReleaseRef;
let candidate: ReleaseRef;
let rolloutId: string;

beforeAll(async () => {
  world = await openWorld({ devices: ['plant-a/cam-a1', 'plant-a/cam-a2', 'plant-b/cam-b1'] });
  baseline = await world.releases.register('cv-detector/1.8.2');
  candidate = await world.releases.derive('1.9.0', renamed('kill'));
  rolloutId = await world.releases.startRollout({ name: 'kill', candidate });
  await allServe(candidate);
});

afterAll(() => world?.close());

describe('kill by place', () => {
  it('of a device takes the candidate from that device alone', async () => {
    const kill = await raise({ kind: 'device', site: 'plant-a', device: 'cam-a1' });
    await acknowledged(kill.id, 1);
    await expectSilenced(kill.id, ['cam-a1']);
    await stillServe(['cam-a2', 'cam-b1']);
    await rearm(kill.id);
  });

  it('of a site takes it from every device there, and from none elsewhere', async () => {
    const kill = await raise({ kind: 'site', site: 'plant-a' });
    await acknowledged(kill.id, 2);
    await expectSilenced(kill.id, ['cam-a1', 'cam-a2']);
    await stillServe(['cam-b1']);
    await rearm(kill.id);
    await resumed();
  });
});

describe('belay kill --all', () => {
  it('reaches a device that was away before its first frame, and survives restarts of everything', async () => {
    await crashAgent(world.agent('cam-b1'));
    await world.awaitDevice('cam-b1', 'is offline', (device) => !device.online);
    const before = world.answers('cam-b1').length;
    const command = await world.belay('kill', '--all', '--reason', 'system test', '--timeout', '60');
    expect(command.stderr).toContain('3 devices, 1 of them offline (they obey before their first frame)');
    expect(command.code).toBe(0);
    const { kills } = await world.fleet.api.ask(endpoint('GET /v1/kills'), killListSchema);
    const id = kills.find((kill) => kill.active)?.id ?? '';
    const first = await acknowledged(id, 2);
    expect(first.offline).toMatchObject([{ site: 'plant-b', device: 'cam-b1' }]);
    await expectSilenced(id, ['cam-a1', 'cam-a2']);

    world.fleet.restartAgent('cam-b1');
    const all = await acknowledged(id, 3);
    expect(all.acks.find((ack) => ack.device === 'cam-b1')).toMatchObject({
      wasOffline: true,
      digest: baseline.digest,
    });
    await moreAnswers('cam-b1', 5);
    expect(releasesSince('cam-b1', before)).toEqual([baseline.release]);

    const retained = await retainedKill();
    const at = Object.fromEntries(DEVICES.map((device) => [device, world.answers(device).length]));
    await world.crashControlPlane();
    await crashAgent(world.agent('cam-a1'));
    world.fleet.restartAgent('cam-a1');
    await moreAnswers('cam-a1', 5);
    await world.fleet.restartControlPlane();
    expect(await readKill(id)).toMatchObject({ active: true, acknowledged: 3 });
    expect(await retainedKill()).toBe(retained);
    for (const device of DEVICES) {
      await world.awaitDevice(device, 'is back online', ({ online }) => online);
      await moreAnswers(device, 5);
      expect(releasesSince(device, at[device] ?? 0)).toEqual([baseline.release]);
    }
    await rearm(id);
    await resumed();
  });
});

describe('kill by release', () => {
  it('reaches devices that have committed it: they fall back to the release before', async () => {
    await world.releases.act(rolloutId, 'promote', { override: true });
    await world.releases.awaitRollout(rolloutId, 'is completed', (view) => view.state === 'completed');
    for (const device of DEVICES) {
      await world.awaitDevice(device, 'has committed it', (known) => {
        const { committed, previous } = known.reported ?? {};
        return committed?.digest === candidate.digest && previous?.digest === baseline.digest;
      });
    }
    const kill = await raise({ kind: 'release', release: candidate.release });
    expect((await acknowledged(kill.id, 3)).acks.map((ack) => ack.digest)).toEqual(DEVICES.map(() => baseline.digest));
    await expectSilenced(kill.id, DEVICES);
    await rearm(kill.id);
    await allServe(candidate);
  });
});

describe('a device that cannot reach the broker any more', () => {
  it('hears of a kill over HTTP, and acknowledges it when the broker is back', async () => {
    const broker = new URL(world.fleet.mqttUrl);
    const tap = await openWireTap(broker.href);
    await useBroker('cam-a1', tap.url);
    await allServe(candidate);
    await tap.close();
    await world.awaitDevice('cam-a1', 'is offline', (device) => !device.online);

    const kill = await raise({ kind: 'release', release: candidate.release });
    await world.awaitAnswer(
      'cam-a1',
      'answers with the baseline',
      ({ model_digest }) => model_digest === baseline.digest,
      world.answers('cam-a1').length,
    );
    expect((await acknowledged(kill.id, 2)).acks.map(({ device }) => device).toSorted()).toEqual(['cam-a2', 'cam-b1']);

    const from = world.answers('cam-a1').length;
    await useBroker('cam-a1', broker.href);
    await acknowledged(kill.id, 3);
    await moreAnswers('cam-a1', 5);
    expect(releasesSince('cam-a1', from)).toEqual([baseline.release]);
  });
});

/** Restarts the agent with this address of the broker, and the shortest time between two questions over HTTP. */
async function useBroker(device: string, mqttUrl: string): Promise<void> {
  await crashAgent(world.agent(device));
  await changeConfig(world.agent(device), ({ controlPlane }) => Object.assign(controlPlane, { mqttUrl, pollMs: 1000 }));
  world.fleet.restartAgent(device);
}

async function raise(scope: KillScopeInput): Promise<KillResult> {
  return world.fleet.api.ask(endpoint('POST /v1/kills'), killSchema, { scope, reason: 'system test', actor: ACTOR });
}

function readKill(id: string): Promise<KillResult> {
  return world.fleet.api.ask(endpoint('GET /v1/kills/:id', { id }), killSchema);
}

async function rearm(id: string): Promise<void> {
  const command = await world.belay('rearm', id, '--yes', '--reason', 'system test');
  expect(command).toMatchObject({ code: 0, stderr: '' });
}

/** What was stopped stays stopped until a person resumes the rollout; then everybody serves it again. */
async function resumed(): Promise<void> {
  await world.releases.awaitRollout(rolloutId, 'is held', (view) => view.state === 'holding' && view.killed === null);
  await world.releases.act(rolloutId, 'resume');
  await allServe(candidate);
}

async function acknowledged(id: string, count: number): Promise<KillResult> {
  let kill = await readKill(id);
  await until(async () => {
    kill = await readKill(id);
    return kill.acknowledged >= count;
  }, DEADLINE_MS);
  expect(kill.acks).toHaveLength(count);
  return kill;
}

/** Each of these devices has acknowledged with an allowed release, and answered with no other since that very answer. */
async function expectSilenced(id: string, devices: readonly string[]): Promise<void> {
  const { acks } = await readKill(id);
  for (const device of devices) {
    const ack = acks.find((candidateAck) => candidateAck.device === device);
    expect(ack).toMatchObject({ digest: baseline.digest });
    await moreAnswers(device, 5);
    const answers = world.answers(device);
    const at = answers.findIndex((answer) => answer.request_id === ack?.requestId);
    expect(at, `${device} gave the answer ${ack?.requestId} that it acknowledged with`).toBeGreaterThanOrEqual(0);
    expect(releasesSince(device, at)).toEqual([baseline.release]);
    const late = answers.filter((answer) => answer.answered_at_ms > (ack?.ackedAtMs ?? 0));
    expect(late.filter((answer) => answer.model_digest === candidate.digest)).toEqual([]);
  }
}

async function stillServe(devices: readonly string[]): Promise<void> {
  for (const device of devices) {
    const from = world.answers(device).length;
    await moreAnswers(device, 5);
    expect(releasesSince(device, from)).toEqual([candidate.release]);
  }
}

async function allServe(release: ReleaseRef): Promise<void> {
  for (const device of DEVICES) {
    const from = world.answers(device).length;
    await world.awaitAnswer(device, `by ${release.release}`, (answer) => answer.model_digest === release.digest, from);
  }
}

function releasesSince(device: string, from: number): readonly string[] {
  return [
    ...new Set(
      world
        .answers(device)
        .slice(from)
        .map((answer) => answer.model_version),
    ),
  ];
}

async function moreAnswers(device: string, count: number): Promise<void> {
  const wanted = world.answers(device).length + count;
  const came = await until(() => world.answers(device).length >= wanted, DEADLINE_MS);
  expect(came, `${device} goes on answering`).toBe(true);
}

/** What a device that connects now would be told first: the signed document on the fleet's kill topic. */
async function retainedKill(): Promise<string> {
  const newcomer = endpoint('POST /v1/devices/:site/:device/credentials', { site: 'plant-z', device: 'newcomer' });
  const { mqttUrl, password } = await world.fleet.api.ask(newcomer, credentialsSchema);
  const client = await connectAsync(mqttUrl, { clientId: 'newcomer', username: 'plant-z', password });
  try {
    const { promise, resolve } = Promise.withResolvers<string>();
    client.on('message', (_topic, payload) => resolve(payload.toString()));
    await client.subscribeAsync(FLEET_KILL_TOPIC, { qos: 1 });
    return await promise;
  } finally {
    await client.endAsync();
  }
}
