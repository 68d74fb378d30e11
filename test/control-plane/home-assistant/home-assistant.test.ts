// The bridge to Home Assistant over a real broker: what a plant's own broker holds after devices come, change, retire, and after the
// option is switched off.
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig, readConfigFile } from '../../../control-plane/config.ts';
import { stateOf } from '../../../control-plane/home-assistant/documents.ts';
import type { LiveDevice } from '../../../shared/protocol/api-live.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

const PASSWORD = 'of the plant';
const FOREIGN = 'homeassistant/device/zigbee_lamp/config';

let broker: Aedes;
let server: Server;
let plant: MqttClient;
let url = '';
let bench: PlaneBench;
let device: TestDevice;
/** What the broker holds, as somebody who has just come would read it. */
const kept = new Map<string, string>();
const passwordFile = join(tmpdir(), `belay-home-assistant-${process.pid}`);

beforeAll(async () => {
  broker = await Aedes.createBroker();
  broker.authenticate = (_client, username, password, done) => {
    done(null, username === 'plant' || (username === 'belay' && password?.toString() === PASSWORD));
  };
  server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  plant = await mqtt.connectAsync(url, { username: 'plant', password: 'x', protocolVersion: 4 });
  plant.on('message', (topic, payload) => {
    if (payload.length === 0) kept.delete(topic);
    else kept.set(topic, payload.toString());
  });
  await plant.subscribeAsync('#', { qos: 1 });
  await plant.publishAsync(FOREIGN, '{"device":{}}', { qos: 1, retain: true });
  await writeFile(passwordFile, `${PASSWORD}\n`);
  bench = await openPlaneBench({ homeAssistant: { url, username: 'belay', passwordFile } });
});

afterAll(async () => {
  await bench?.close();
  await plant.endAsync(true);
  await new Promise<void>((resolve) => broker.close(resolve));
  server.close();
  await rm(passwordFile, { force: true });
});

const topicOf = (end: string) => [...kept.keys()].find((topic) => topic.endsWith(end)) ?? '';
const read = (end: string) => JSON.parse(kept.get(topicOf(end)) ?? 'null');
/** All but the word of Home Assistant itself. */
const told = () => [...kept.keys()].filter((topic) => topic !== 'homeassistant/status');
const CONFIG = '_plant-a_cam-01/config';

describe('Home Assistant', () => {
  it('is shown a device with its figures, and whether anybody is there to tell', async () => {
    const base = await bench.register(tinyPackage());
    device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await device.report({ committed: base, serving: base });
    await device.window(1, { startAtMs: Date.now() - 1000, endAtMs: Date.now() });
    await expect.poll(() => read('/plant-a/cam-01/state')?.model).toBe(base.release);
    const shown = read(CONFIG);
    expect(shown.origin.name).toBe('Belay');
    expect(shown.device).toMatchObject({ manufacturer: 'Belay', name: 'plant-a cam-01', model: 'x86-64' });
    expect(Object.keys(shown.components)).toEqual(['fps', 'latency', 'temperature', 'model', 'reverted']);
    expect(shown.state_topic).toBe(topicOf('/plant-a/cam-01/state'));
    // Every topic that it waits for is there, and says that it can be believed.
    expect(shown.availability.map(({ topic }: { topic: string }) => kept.get(topic))).toEqual(['online', 'online']);
    const ids = Object.values(shown.components as Record<string, { unique_id: string }>).map((each) => each.unique_id);
    expect(new Set(ids).size).toBe(5);
  });

  it('is told when the device goes, and everything again when it has started anew', async () => {
    await device.send('status', { online: false });
    await expect.poll(() => kept.get(topicOf('/plant-a/cam-01/availability'))).toBe('offline');
    const [config, state] = [topicOf(CONFIG), topicOf('/plant-a/cam-01/state')];
    for (const topic of [config, state]) await plant.publishAsync(topic, '', { qos: 1, retain: true });
    await expect.poll(() => kept.has(config) || kept.has(state)).toBe(false);
    await plant.publishAsync('homeassistant/status', 'online', { qos: 1 });
    await expect.poll(() => kept.has(config) && kept.has(state)).toBe(true);
  });

  it('forgets a device that retires, and one of which nothing is known any more', async () => {
    const stale = topicOf(CONFIG).replace('cam-01', 'cam-99');
    await plant.publishAsync(stale, kept.get(topicOf(CONFIG)) ?? '', { qos: 1, retain: true });
    await device.close();
    const retired = await bench.post('/v1/devices/plant-a/cam-01/retire', { reason: 'scrapped' });
    expect(retired.status).toBe(200);
    await expect.poll(() => [...kept.keys()].filter((topic) => topic.includes('cam-01'))).toEqual([]);
    await expect.poll(() => kept.has(stale)).toBe(false);
    await bench.post('/v1/devices/plant-a/cam-01/unretire', { reason: 'not scrapped' });
    device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await expect.poll(() => kept.has(topicOf(CONFIG))).toBe(true);
  });

  it('sees an end of the control plane, and nothing of it once the option is off', async () => {
    const status = [...kept.keys()].find((topic) => /^belay\/[0-9a-f]{8}\/status$/.test(topic)) ?? '';
    expect(kept.get(status)).toBe('online');
    const folder = bench.folder;
    await bench.plane.close();
    await expect.poll(() => kept.get(status)).toBe('offline');
    expect(kept.has(topicOf(CONFIG))).toBe(true);
    const { openControlPlane } = await import('../../../control-plane/main.ts');
    const ports = { http: { port: 0 }, mqtt: { port: 0 } };
    const homeAssistant = { url, username: 'belay', passwordFile, enabled: false };
    const input = {
      dataDir: folder,
      ...ports,
      signIn: 'open' as const,
      log: { level: 'silent' as const },
      homeAssistant,
    };
    const off = await openControlPlane(parseConfig(input));
    await expect.poll(told).toEqual([FOREIGN]);
    await off.close();
    expect(told()).toEqual([FOREIGN]);
    await bench.restart();
  });
});

it('a device that took its candidate back is a problem there', () => {
  const naming = { discoveryPrefix: 'homeassistant', topicPrefix: 'belay', instance: 'ab' };
  const live = { site: 's', device: 'd', online: true, fps: null, p95Ms: 20.5, temperatureC: 61, release: 'm:1.0.0' };
  const toldOf = (condition: string) =>
    stateOf(naming, { ...live, condition } as LiveDevice).map(({ payload }) => payload);
  const state = '{"fps":null,"latency":20.5,"temperature":61,"model":"m:1.0.0","reverted":"ON"}';
  expect(toldOf('reverted')).toEqual([state, 'online']);
  expect(toldOf('ok')[0]).toContain('"reverted":"OFF"');
});

it('the configuration takes no password in the address, and finds the file beside itself', async () => {
  const of = (homeAssistant: unknown) => () => parseConfig({ dataDir: 'x', homeAssistant });
  expect(of({ url: 'mqtt://belay:secret@broker' })).toThrow(/without a password in it/);
  expect(of({ url: 'mqtt://broker', discoveryPrefix: 'a/#' })).toThrow(/segments of letters/);
  expect(parseConfig({ dataDir: 'x' }).homeAssistant).toBe('off');
  const file = join(tmpdir(), `belay-config-${process.pid}.yaml`);
  await writeFile(file, 'dataDir: data\nhomeAssistant: {url: "mqtt://broker", passwordFile: secret}\n');
  const { homeAssistant } = await readConfigFile(file);
  expect(homeAssistant).toMatchObject({ passwordFile: join(tmpdir(), 'secret') });
  await rm(file);
});
