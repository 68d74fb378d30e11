// belay device: the fleet as a table, one device in full, its explanation and its credentials.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { renderDevices } from '../../../control-plane/cli/commands/device.ts';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { credentialsSchema, explainSchema } from '../../../shared/protocol/api-devices.ts';
import { BASELINE, device, NOW_MS, reported } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { plain } from './render/tints.ts';
import { runBelay, tooWide } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());

const belay = (...args: string[]) => runBelay(args, { url: server.url });

const resting = reported({ phase: 'baseline', serving: BASELINE, candidate: null });

describe('renderDevices', () => {
  it('shows what answers, what is on trial, and how old that knowledge is, on 80 columns', () => {
    const silent = device({ device: 'cam-a3', online: false, reported: null, lastSeenAtMs: NOW_MS - 7_300_000 });
    const text = renderDevices([device(), device({ device: 'cam-a2', reported: resting }), silent], NOW_MS, plain);
    expect(tooWide(text)).toEqual([]);
    expect(text).toBe(
      [
        'DEVICE          LINK     PHASE      ANSWERS WITH       CANDIDATE      SEEN',
        'plant-a/cam-a1  online   candidate  cv-detector:2.0.0  2.0.0 serving  4.0 s ago',
        'plant-a/cam-a2  online   baseline   cv-detector:1.8.2  –              4.0 s ago',
        'plant-a/cam-a3  offline  –          –                  –              2 h ago',
      ].join('\n'),
    );
  });

  it('tells an empty fleet the next command', () => {
    expect(renderDevices([], NOW_MS, plain)).toContain('belay device credentials SITE/DEVICE');
  });
});

describe('belay device', () => {
  it('list asks for one site, and gives the whole documents as JSON', async () => {
    server.answer({ 'GET /v1/devices?site=plant-a': { body: { devices: [device()] } } });
    const { code, stdout } = await belay('device', 'list', '--site', 'plant-a', '--json');
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toEqual({ devices: [device()] });
    const text = await belay('device', 'list', '--site', 'plant-a');
    expect(text.stdout).toMatch(/^plant-a\/cam-a1 {2}online/m);
  });

  it('get shows all that is known, as readable JSON and as one line', async () => {
    server.answer({ 'GET /v1/devices/plant-a/cam-a1': { body: device() } });
    const text = await belay('device', 'get', 'plant-a/cam-a1');
    expect(JSON.parse(text.stdout)).toEqual(device());
    expect(text.stdout.split('\n').length).toBeGreaterThan(20);
    const json = await belay('device', 'get', 'plant-a/cam-a1', '--json');
    expect(json.stdout).toBe(`${JSON.stringify(device())}\n`);
  });

  it('get of an unknown device is exit code 3', async () => {
    server.answer({ 'GET /v1/devices/*': problem('not-found', 'no device plant-a/cam-x9 was ever seen') });
    const { code, stderr } = await belay('device', 'get', 'plant-a/cam-x9');
    expect(code).toBe(EXIT.notFound);
    expect(stderr).toBe(
      'belay: no device plant-a/cam-x9 was ever seen\nNext: List what there is, and check the name for a typing error.\n',
    );
  });

  it('explain gives the sentences, most important first', async () => {
    const body = explainSchema.parse({
      site: 'plant-a',
      device: 'cam-a1',
      atMs: NOW_MS,
      dataAgeMs: 4000,
      summary: 'answers with cv-detector:2.0.0',
      sentences: ['it is a candidate of ro-7q2', 'its limits are kept'],
    });
    server.answer({ 'GET /v1/devices/plant-a/cam-a1/explain': { body } });
    const { stdout } = await belay('device', 'explain', 'plant-a/cam-a1');
    expect(stdout).toBe(
      `answers with cv-detector:2.0.0\n  it is a candidate of ro-7q2\n  its limits are kept\nPage: ${server.url}/devices/plant-a/cam-a1\n`,
    );
    expect(JSON.parse((await belay('device', 'explain', 'plant-a/cam-a1', '--json')).stdout)).toEqual(body);
  });

  it('lift names the release and the reason, and says what it has done', async () => {
    const releases = [{ release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'c'.repeat(64) }];
    const body = { site: 'plant-a', device: 'cam-a1', generation: 8, releases };
    server.answer({ 'POST /v1/devices/plant-a/cam-a1/lift': { body } });
    const { code, stdout } = await belay('device', 'lift', 'plant-a/cam-a1', '--yes', '--reason', 'driver updated');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toBe('plant-a/cam-a1 is told with generation 8: cv-detector:2.0.0+data=b4f7a1 out of quarantine\n');
    expect((await belay('device', 'lift', 'plant-a/cam-a1')).code).toBe(EXIT.usage);
  });

  it('credentials gives what an agent needs, fit to be written into a file', async () => {
    const body = credentialsSchema.parse({
      site: 'plant-a',
      device: 'cam-a1',
      password: 'secret',
      mqttUrl: 'mqtt://127.0.0.1:7421',
      apiUrl: server.url,
      keySet: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'eA', kid: 'cp-1' }] },
    });
    server.answer({ 'POST /v1/devices/plant-a/cam-a1/credentials': { body } });
    const { code, stdout, stderr } = await belay('device', 'credentials', 'plant-a/cam-a1');
    expect([code, stderr]).toEqual([EXIT.ok, '']);
    expect(JSON.parse(stdout)).toEqual(body);
  });

  it('credentials writes the secret where only its owner reads it, and says the rest of the configuration', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'belay-credentials-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const keySet = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'eA', kid: 'cp-1' }] };
    const body = { site: 'plant-a', device: 'cam-a1', password: 'secret', mqttUrl: 'mqtt://127.0.0.1:7421', keySet };
    server.answer({ 'POST /v1/devices/plant-a/cam-a1/credentials': { body: { ...body, apiUrl: server.url } } });
    const { code, stdout } = await belay('device', 'credentials', 'plant-a/cam-a1', '--write', folder);
    expect(code).toBe(EXIT.ok);
    expect(await readFile(path.join(folder, 'password'), 'utf8')).toBe('secret\n');
    expect((await stat(path.join(folder, 'password'))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path.join(folder, 'trust.json'), 'utf8'))).toEqual(keySet);
    expect(stdout).toContain('  mqttUrl: mqtt://127.0.0.1:7421\n');
    expect(stdout).not.toContain('secret');
  });
});
