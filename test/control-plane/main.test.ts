// The control plane as its users meet it: over HTTP, over MQTT with signed documents, across restarts.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import mqtt from 'mqtt';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../control-plane/config.ts';
import { openToAnybody } from '../../control-plane/http/access.ts';
import { registerDeviceRoutes } from '../../control-plane/http/routes/devices.ts';
import { buildServer } from '../../control-plane/http/server.ts';
import { openControlPlane } from '../../control-plane/main.ts';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { tinyPackage } from '../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench } from './open-plane.ts';

let bench: PlaneBench;

beforeEach(async () => {
  bench = await openPlaneBench();
});

afterEach(() => bench.close());

const WAIT = { timeout: 5000 };

describe('a data folder', () => {
  it('has one control plane at a time, and is free again when that has ended', async () => {
    const config = parseConfig({
      dataDir: bench.folder,
      http: { port: 0 },
      mqtt: { port: 0 },
      log: { level: 'silent' },
    });
    await expect(openControlPlane(config)).rejects.toMatchObject({ code: 'data-folder-in-use' });
    await bench.plane.close();
    const next = await openControlPlane(config);
    await next.close();
  });
});

describe('a device that connects for the first time', () => {
  it('gets a signed desired document that keeps what it has committed', async () => {
    const ref = await bench.register(tinyPackage());
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await device.report({ serving: ref, committed: ref, servedFrames: 7 });
    await expect
      .poll(() => device.desired, WAIT)
      .toMatchObject([
        { site: 'plant-a', device: 'cam-01', generation: 1, baseline: ref, candidate: null, cohortId: 'baseline' },
      ]);
    const { body } = await bench.get('/v1/devices');
    expect(body.devices).toMatchObject([{ device: 'cam-01', online: true, desired: { generation: 1 } }]);
  });

  it('gets nothing while its release is not registered, and explain says what to do', async () => {
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await device.report({ committed: { release: 'other-model:1.0.0+data=test0', digest: 'b'.repeat(64) } });
    const { body } = await bench.get('/v1/devices/plant-a/cam-01/explain');
    expect((body.sentences as string[]).join('\n')).toContain('other-model:1.0.0+data=test0 is not registered here');
    expect(device.desired).toEqual([]);
  });

  it('may claim any generation without holding up what others tell', async () => {
    const ref = await bench.register(tinyPackage());
    const liar = await bench.connect('plant-a', 'cam-01');
    await liar.hello();
    await liar.report({ committed: ref, generation: Number.MAX_SAFE_INTEGER });
    const honest = await bench.connect('plant-a', 'cam-02');
    await honest.hello();
    await honest.report({ committed: ref });
    await expect.poll(() => honest.desired.length, WAIT).toBe(1);
    expect(await bench.get('/v1/health')).toMatchObject({ status: 200 });
    const { body } = await bench.get('/v1/status');
    expect(body.refused).toMatchObject({ last: [{ device: 'cam-01', reason: expect.stringContaining('generation') }] });
  });

  it('is managed as soon as its release is registered', async () => {
    const release = tinyPackage();
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    const digest = createHash('sha256').update(canonicalJson(release.manifest)).digest('hex');
    await device.report({ committed: { release: 'tiny-detector:1.0.0+data=test0', digest } });
    await bench.register(release);
    await device.window(1);
    await expect.poll(() => device.desired.length, WAIT).toBe(1);
  });

  it('is put above its own generation when it is ahead of a restored backup', async () => {
    const ref = await bench.register(tinyPackage());
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello({ generation: 41 });
    await device.report({ generation: 41, committed: ref });
    await expect.poll(() => device.desired.at(-1)?.generation, WAIT).toBe(42);
  });
});

describe('across a restart', () => {
  it('a device finds its desired document without asking, byte for byte the same', async () => {
    const ref = await bench.register(tinyPackage());
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await device.report({ committed: ref });
    await expect.poll(() => device.desired.length, WAIT).toBe(1);
    await device.close();
    await bench.restart();
    const again = await bench.connect('plant-a', 'cam-01');
    await expect.poll(() => again.desired, WAIT).toEqual(device.desired);
  });

  it('sends again when a hello says that the device is behind', async () => {
    const ref = await bench.register(tinyPackage());
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    await device.report({ committed: ref });
    await expect.poll(() => device.desired.length, WAIT).toBe(1);
    await device.close();
    await bench.restart();
    const again = await bench.connect('plant-a', 'cam-01');
    await expect.poll(() => again.desired.length, WAIT).toBe(1);
    await again.hello({ generation: 0 });
    await expect.poll(() => again.desired.length, WAIT).toBe(2);
  });
});

describe('strangers', () => {
  it('are refused with a wrong password', async () => {
    const { body } = await bench.post('/v1/devices/plant-a/cam-01/credentials', {});
    const client = mqtt.connect(body.mqttUrl as string, {
      clientId: 'cam-02',
      username: 'plant-a',
      password: body.password as string,
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    const refused = new Promise((resolve) => client.once('error', resolve));
    expect(String(await refused)).toMatch(/not authorized|bad user/i);
    await client.endAsync(true);
  });
});

describe('passwords', () => {
  it('are given on the machine itself only', async () => {
    const log = pino({ level: 'silent' });
    const app = await buildServer({ version: 'test', log, loopbackOnly: false, access: openToAnybody() });
    registerDeviceRoutes(app, {} as never); // never reached: refused before anything is asked
    const url = '/v1/devices/plant-a/cam-01/credentials';
    const response = await app.inject({ method: 'POST', url, remoteAddress: '10.0.0.7' });
    expect(response.json()).toMatchObject({ type: '/problems/forbidden', status: 403 });
    await app.close();
  });
});

describe('starting', () => {
  it('refuses a foreign address unless it is told to', () => {
    expect(() => parseConfig({ dataDir: '/tmp/x', http: { host: '0.0.0.0' } })).toThrow(
      /reachable from other machines/,
    );
    expect(parseConfig({ dataDir: '/tmp/x', http: { host: '0.0.0.0' }, allowRemote: true }).http.host).toBe('0.0.0.0');
  });

  it('says every mistake of a configuration at once', () => {
    expect(() => parseConfig({ htpp: {}, tickMs: 'often' })).toThrow(/dataDir.*tickMs.*htpp/s);
  });

  it('leaves nothing running when a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const config = {
      dataDir: `${bench.folder}/second`,
      http: { port },
      mqtt: { port: 0 },
      log: { level: 'silent' as const },
    };
    await expect(openControlPlane(parseConfig(config))).rejects.toThrow(/EADDRINUSE/);
    taken.close();
    const second = await openControlPlane(parseConfig(config));
    await second.close();
  });

  it('keeps its data folder to itself', async () => {
    expect((await stat(`${bench.folder}/signing-key.json`)).mode & 0o777).toBe(0o600);
  });
});

describe('the API description', () => {
  it('is OpenAPI 3.1 with every route and no dangling reference', async () => {
    const { body } = await bench.get('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const paths = Object.keys(body.paths as object);
    expect(paths).toEqual(expect.arrayContaining(['/v1/releases', '/v1/kills', '/v1/devices/{site}/{device}/explain']));
    const components = JSON.stringify((body.components as { schemas?: object }).schemas ?? {});
    for (const [, name] of JSON.stringify(body.paths).matchAll(/#\/components\/schemas\/([\w-]+)/g)) {
      expect(components).toContain(`"${name}"`);
    }
  });

  it('answers unknown routes, methods and bodies with a problem', async () => {
    expect((await bench.get('/v1/nothing')).body).toMatchObject({ type: '/problems/unknown-route', status: 404 });
    expect((await bench.post('/v1/status', {})).body).toMatchObject({ type: '/problems/method-not-allowed' });
    const { body } = await bench.post('/v1/kills', { scope: { kind: 'planet' }, reason: '' });
    expect(body).toMatchObject({ type: '/problems/invalid-request', status: 400 });
    expect((body.errors as { path: string }[]).map((error) => error.path)).toEqual(['scope.kind', 'reason']);
  });
});
