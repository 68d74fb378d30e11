// The kill switch over real HTTP, MQTT and SQLite: it reaches, it is measured, it survives, and re-arming is deliberate.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLEET_KILL_TOPIC } from '../../../shared/protocol/topics.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

let bench: PlaneBench;

beforeEach(async () => {
  bench = await openPlaneBench({ kills: { reassertMs: 200 } });
});

afterEach(() => bench.close());

const WAIT = { timeout: 5000 };
const FLEET = { scope: { kind: 'fleet' }, reason: 'false alarms on loop 3', actor: 'on-call' };

async function online(site: string, device: string): Promise<TestDevice> {
  const connected = await bench.connect(site, device);
  await connected.hello();
  await expect.poll(async () => (await bench.get(`/v1/devices/${site}/${device}`)).body.online, WAIT).toBe(true);
  return connected;
}

function acknowledge(device: TestDevice, seq: number, part: Record<string, unknown> = {}): Promise<void> {
  const killEpoch = device.kills.at(-1)?.document.epoch;
  return device.event(seq, { kind: 'kill-ack', killEpoch, effectMs: 12, wasServing: true, requestId: 'r-1', ...part });
}

describe('raising a kill', () => {
  it('reaches every device signed, and measures each acknowledgement', async () => {
    const devices = [await online('plant-a', 'cam-01'), await online('plant-b', 'cam-01x')];
    const { status, body } = await bench.post('/v1/kills', FLEET);
    expect(status).toBe(201);
    expect(body).toMatchObject({ sent: 2, acknowledged: 0, active: true, recorded: true, p50Ms: null });
    for (const device of devices) {
      await expect
        .poll(() => device.kills, WAIT)
        .toMatchObject([
          { topic: FLEET_KILL_TOPIC, document: { kills: [{ id: body.id, reason: FLEET.reason, actor: 'on-call' }] } },
        ]);
      await acknowledge(device, 1);
    }
    const result = () => bench.get(`/v1/kills/${body.id}`);
    await expect.poll(async () => (await result()).body.acknowledged, WAIT).toBe(2);
    const { body: measured } = await result();
    expect(measured).toMatchObject({ reverted: 2, stragglers: [], offline: [] });
    expect(measured.p50Ms).toBeGreaterThan(0);
    expect(measured.maxMs as number).toBeLessThan(5000);
  });

  it('reaches only those in its scope', async () => {
    const [near, far] = [await online('plant-a', 'cam-01'), await online('plant-b', 'cam-02')];
    const { body } = await bench.post('/v1/kills', { scope: { kind: 'site', site: 'plant-a' }, reason: 'heat' });
    await expect.poll(() => near.kills.length, WAIT).toBe(1);
    expect(body.sent).toBe(1);
    const one = { scope: { kind: 'device', site: 'plant-b', device: 'cam-02' }, reason: 'smoke' };
    await bench.post('/v1/kills', one);
    await expect.poll(() => far.kills.map((kill) => kill.topic), WAIT).toEqual(['belay/v1/plant-b/cam-02/kill']);
  });

  it('names stragglers and those offline, and lists all kills of a topic in one document', async () => {
    const [quick, slow] = [await online('plant-a', 'cam-01'), await online('plant-a', 'cam-02')];
    const gone = await online('plant-a', 'cam-03');
    await gone.send('status', { online: false });
    await expect.poll(async () => (await bench.get('/v1/devices/plant-a/cam-03')).body.online, WAIT).toBe(false);
    const ref = await bench.register(tinyPackage());
    const first = await bench.post('/v1/kills', FLEET);
    const second = await bench.post('/v1/kills', {
      scope: { kind: 'release', release: 'tiny-detector:1.0.0' },
      reason: 'bad',
    });
    expect(second.body.scope).toMatchObject({ kind: 'release', ...ref });
    await expect.poll(() => quick.kills.at(-1)?.document.kills.length, WAIT).toBe(2);
    await acknowledge(quick, 1);
    for (const { body } of [first, second]) {
      const result = () => bench.get(`/v1/kills/${body.id}`);
      await expect.poll(async () => (await result()).body.acknowledged, WAIT).toBe(1);
      expect((await result()).body).toMatchObject({
        stragglers: [{ site: 'plant-a', device: slow.device }],
        offline: [{ site: 'plant-a', device: 'cam-03' }],
      });
    }
  });

  it('counts an acknowledgement once, and leaves times of those who were offline out', async () => {
    const device = await online('plant-a', 'cam-01');
    const late = await online('plant-a', 'cam-02');
    await late.send('status', { online: false });
    await expect.poll(async () => (await bench.get('/v1/devices/plant-a/cam-02')).body.online, WAIT).toBe(false);
    const { body } = await bench.post('/v1/kills', FLEET);
    for (const each of [device, late]) await expect.poll(() => each.kills.length, WAIT).toBeGreaterThan(0);
    await acknowledge(device, 1);
    await acknowledge(device, 1);
    await acknowledge(device, 2);
    await acknowledge(late, 1);
    const result = () => bench.get(`/v1/kills/${body.id}`);
    await expect.poll(async () => (await result()).body.acknowledged, WAIT).toBe(2);
    const { body: measured } = await result();
    const acks = measured.acks as { device: string; wasOffline: boolean; roundTripMs: number }[];
    expect(acks.find((ack) => ack.device === 'cam-02')?.wasOffline).toBe(true);
    expect(measured.maxMs).toBe(acks.find((ack) => ack.device === 'cam-01')?.roundTripMs);
  });

  it('is the same kill when it is raised again', async () => {
    const device = await online('plant-a', 'cam-01');
    const { body } = await bench.post('/v1/kills', FLEET);
    const again = await bench.post('/v1/kills', { ...FLEET, reason: 'pressed twice' });
    expect(again).toMatchObject({ status: 200, body: { id: body.id } });
    await expect.poll(() => device.kills.length, WAIT).toBeGreaterThan(1);
    expect(new Set(device.kills.map((kill) => kill.text)).size).toBe(1);
  });

  it('takes only a reason and a scope that exist', async () => {
    expect((await bench.post('/v1/kills', { scope: { kind: 'fleet' }, reason: '' })).status).toBe(400);
    const unknown = { scope: { kind: 'release', release: 'tiny-detector:7.0.0' }, reason: 'x' };
    expect(await bench.post('/v1/kills', unknown)).toMatchObject({
      status: 404,
      body: { type: '/problems/not-found' },
    });
    const rollout = { scope: { kind: 'rollout', rolloutId: 'ro-1' }, reason: 'x' };
    expect((await bench.post('/v1/kills', rollout)).status).toBe(404);
  });

  it('says what it leaves alone and how to reach that', async () => {
    const ref = await bench.register(tinyPackage());
    const device = await online('plant-a', 'cam-01');
    await device.report({ committed: ref, serving: ref });
    await expect.poll(async () => (await bench.get('/v1/devices/plant-a/cam-01')).body.reported, WAIT).not.toBeNull();
    const { body } = await bench.post('/v1/kills', FLEET);
    expect(body.leavesAlone).toContain(`belay kill --release "${ref.release}"`);
  });
});

describe('a kill in force', () => {
  it('survives a restart: devices that were away find it before anything else, and the same bytes again', async () => {
    const before = await online('plant-a', 'cam-01');
    const { body } = await bench.post('/v1/kills', FLEET);
    await expect.poll(() => before.kills.length, WAIT).toBeGreaterThan(0);
    const text = before.kills[0]?.text;
    await before.close();
    await bench.restart();
    const after = await bench.connect('plant-a', 'cam-01');
    await expect.poll(() => after.kills.at(-1)?.text, WAIT).toBe(text);
    expect((await bench.get('/v1/kills')).body.kills).toMatchObject([{ id: body.id, active: true }]);
  });

  it('is asserted again and again, and at once where a device says that it is behind', async () => {
    const device = await online('plant-a', 'cam-01');
    await bench.post('/v1/kills', FLEET);
    await expect.poll(() => device.kills.length, WAIT).toBeGreaterThan(2);
    expect(new Set(device.kills.map((kill) => kill.text)).size).toBe(1);
  });

  it('ends by re-arming, with a newer document that does not list it', async () => {
    const device = await online('plant-a', 'cam-01');
    const { body } = await bench.post('/v1/kills', FLEET);
    const rearmed = await bench.post(`/v1/kills/${body.id}/rearm`, { reason: 'fixed lamp', actor: 'on-call' });
    expect(rearmed).toMatchObject({ status: 200, body: { active: false, clearedReason: 'fixed lamp' } });
    await expect.poll(() => device.kills.at(-1)?.document.kills, WAIT).toEqual([]);
    expect(device.kills.at(-1)?.document.epoch).toBeGreaterThan(device.kills[0]?.document.epoch ?? 0);
    const again = await bench.post(`/v1/kills/${body.id}/rearm`, { reason: 'x' });
    expect(again).toMatchObject({ status: 409, body: { type: '/problems/conflict' } });
    expect((await bench.post('/v1/kills/k-none/rearm', { reason: 'x' })).status).toBe(404);
    expect((await bench.post(`/v1/kills/${body.id}/rearm`, {})).status).toBe(400);
    const { body: audit } = await bench.get('/v1/audit');
    const actions = (audit.rows as { action: string }[]).map((row) => row.action);
    expect(actions.slice(0, 2)).toEqual(['kill-rearmed', 'kill-raised']);
    expect((await bench.get('/v1/audit/verify')).body).toMatchObject({ kind: 'intact' });
  });

  it('stays re-armed after a restart', async () => {
    const { body } = await bench.post('/v1/kills', FLEET);
    await bench.post(`/v1/kills/${body.id}/rearm`, { reason: 'fixed' });
    await bench.restart();
    const device = await bench.connect('plant-a', 'cam-01');
    await expect.poll(() => device.kills.at(-1)?.document.kills, WAIT).toEqual([]);
  });
});
