// Pin, drain and retire on a real control plane with devices on its real broker: what is asked for, refused, told and recorded.
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

let bench: PlaneBench;
let old: { release: string; digest: string };
let next: { release: string; digest: string };
let device: TestDevice;

const PATH = '/v1/devices/plant-a/cam-01';

beforeAll(async () => {
  bench = await openPlaneBench();
  old = await bench.register(tinyPackage());
  next = await bench.register(tinyPackage({ version: '1.1.0' }));
  device = await bench.connect('plant-a', 'cam-01');
});
afterAll(() => bench.close());

async function speak(): Promise<void> {
  await device.hello();
  await device.report({ committed: { ...old }, serving: { ...old } });
  await expect.poll(async () => (await bench.get(PATH)).body.reported).not.toBeNull();
  await expect.poll(async () => (await bench.get(PATH)).body.desired).not.toBeNull();
}

async function say(verb: string, body: object = {}, headers: Record<string, string> = {}) {
  const init = { 'content-type': 'application/json', ...headers };
  const response = await fetch(`${bench.plane.httpUrl}${PATH}/${verb}`, {
    method: 'POST',
    headers: init,
    body: JSON.stringify({ reason: 'new lens', actor: 'ana', ...body }),
  });
  return { status: response.status, etag: response.headers.get('etag'), body: (await response.json()) as never };
}
const NOW = { 'if-match': '*' };
const duty = async () => (await bench.get(PATH)).body.duty as Record<string, unknown>;
const actions = async () =>
  ((await bench.get('/v1/audit?subject=device/plant-a/cam-01')).body.rows as { action: string }[]).map(
    ({ action }) => action,
  );

describe('a person says of a device', () => {
  it('that it keeps a release: one it may run, and only with the version that was read', async () => {
    await speak();
    expect(await say('pin', { release: old.release })).toMatchObject({ status: 428 });
    expect(await say('pin', { release: old.release }, { 'if-match': '"v7"' })).toMatchObject({ status: 412 });
    expect(await say('pin', {}, NOW)).toMatchObject({ status: 400 });
    expect(await say('pin', { release: 'no:9.9.9' }, NOW)).toMatchObject({ status: 404 });
    const unproven = await say('pin', { release: next.release }, NOW);
    expect(unproven).toMatchObject({ status: 409, body: { detail: expect.stringContaining('is not proven') } });
    const tried = await bench.post(`${PATH}/pin?dryRun=true`, { reason: 'x', release: old.release });
    expect(tried.body).toMatchObject({ dryRun: true, refusals: [] });
    expect(await duty()).toMatchObject({ version: 0, pinned: null });
    const pinned = await say('pin', { release: old.release }, { 'if-match': '"v0"' });
    expect(pinned).toMatchObject({ status: 200, etag: '"v1"' });
    expect(await duty()).toMatchObject({ version: 1, pinned: { actor: 'ana', reason: 'new lens', ...old } });
    const { body } = await bench.get(`${PATH}/explain`);
    expect(body.summary).toContain(`pinned to ${old.release} by ana since `);
    expect(await say('unpin')).toMatchObject({ status: 200 });
    expect(await say('unpin')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('not pinned') } });
  });

  it('that it is drained: at once, without a version, and once only with a key', async () => {
    const key = { 'idempotency-key': 'drain-1' };
    const first = await say('drain', {}, key);
    expect(first.status).toBe(200);
    expect(await say('drain', {}, key)).toMatchObject({ status: 200, body: first.body });
    expect((await actions()).filter((action) => action === 'device-drained')).toHaveLength(1);
    expect(await say('drain')).toMatchObject({ status: 409 });
    expect(await say('undrain')).toMatchObject({ status: 428 });
    expect(await say('undrain', {}, NOW)).toMatchObject({ status: 200 });
  });

  it('that it has retired: its password opens nothing, nobody waits for it, and its history stays', async () => {
    const credentials = (await bench.post(`${PATH}/credentials`, {})).body as { mqttUrl: string; password: string };
    const reporting = await say('retire', {}, NOW);
    expect(reporting).toMatchObject({ status: 409, body: { detail: expect.stringContaining('it is reporting') } });
    await device.send('status', { online: false, clean: true });
    await device.close();
    await expect.poll(async () => (await bench.get(PATH)).body.online).toBe(false);
    expect(await say('retire', {}, NOW)).toMatchObject({ status: 200 });
    const status = (await bench.get('/v1/status')).body;
    expect(status.devices).toMatchObject({ total: 0, online: 0, retired: 1 });
    await expect.poll(async () => (await bench.get('/v1/live')).body.devices).toEqual([]);
    expect(await knock(credentials)).toMatch(/not authorized|Connection refused/i);
    const documents = await bench.get(`${PATH}/documents`);
    expect(JSON.stringify(documents.body)).not.toContain('/desired');
    expect(await bench.post(`${PATH}/credentials`, {})).toMatchObject({ status: 409 });
    expect(await say('drain')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('retired') } });
    expect(await actions()).toContain('device-retired');
    await bench.restart();
    expect(await knock({ ...credentials, mqttUrl: bench.plane.mqttUrl })).toMatch(/not authorized|Connection refused/i);
    expect((await bench.get('/v1/status')).body.devices).toMatchObject({ total: 0, retired: 1 });
  });

  it('that it comes back: with a new password, and the order it had', async () => {
    const before = (await bench.get(PATH)).body.desired as { generation: number };
    expect(await say('unretire', {}, NOW)).toMatchObject({ status: 200 });
    device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await expect.poll(() => device.desired.at(-1)?.generation ?? 0).toBeGreaterThan(before.generation);
    expect(device.desired.at(-1)).toMatchObject({ baseline: old, candidate: null });
    await expect.poll(async () => (await bench.get('/v1/status')).body.devices).toMatchObject({ total: 1, online: 1 });
  });

  it('that a stolen one retires although it reports: it is cut off', async () => {
    expect(await say('retire', { force: true }, NOW)).toMatchObject({ status: 200 });
    await expect
      .poll(async () => (await bench.get('/v1/status')).body.messaging as { connected: number })
      .toMatchObject({ connected: 0 });
  });
});

/** How a broker answers a client with this password. */
function knock({ mqttUrl, password }: { mqttUrl: string; password: string }): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const client = mqtt.connect(mqttUrl, { clientId: 'cam-01', username: 'plant-a', password, reconnectPeriod: 0 });
  client.on('error', (error) => resolve(error.message));
  client.on('connect', () => resolve('connected'));
  return promise.finally(() => client.end(true));
}
