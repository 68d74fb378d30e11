// The configuration: defaults, the environment, and every mistake named at once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../agent/config.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'belay-config-'));
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'k1' };
  writeFileSync(join(dir, 'trust.json'), JSON.stringify({ keys: [key] }));
  writeFileSync(join(dir, 'password'), 'secret\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const GOOD = {
  site: 'site-a',
  device: 'device-1',
  hardwareClass: 'linux-x64',
  dataDir: 'data',
  factory: 'factory',
  controlPlane: {
    mqttUrl: 'mqtt://10.0.0.1:1883',
    apiUrl: 'http://10.0.0.1/',
    passwordFile: 'password',
    trustFile: 'trust.json',
  },
  cameras: [{ id: 'camera-1', source: { kind: 'line', loop: 'line.loop', fps: 10 } }],
};

function load(document: unknown, environment: Record<string, string> = {}) {
  const path = join(dir, 'agent.json');
  writeFileSync(path, JSON.stringify(document));
  return loadConfig(path, environment);
}

function mistakes(document: unknown): string {
  try {
    load(document);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe('loadConfig', () => {
  it('fills every default and resolves paths beside the file', () => {
    const config = load(GOOD);
    expect(config).toMatchObject({
      dataDir: join(dir, 'data'),
      windowMs: 60_000,
      line: null,
      sinks: [{ kind: 'stdout' }],
    });
    expect(config.controlPlane).toMatchObject({ password: 'secret', apiUrl: 'http://10.0.0.1' });
    expect(config.cameras[0]?.source).toEqual({ kind: 'line', path: join(dir, 'line.loop'), fps: 10 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reads YAML as well', () => {
    const path = join(dir, 'agent.yaml');
    const lines = ['site: site-a', 'device: device-1', 'hardwareClass: linux-x64', 'dataDir: data', 'factory: f'];
    writeFileSync(
      path,
      [...lines, 'cameras: [{ id: cam-1, source: { kind: folder, path: pictures, fps: 2 } }]'].join('\n'),
    );
    expect(loadConfig(path, {})).toMatchObject({ controlPlane: null, cameras: [{ source: { kind: 'folder' } }] });
  });

  it('finds every relative path beside the file', () => {
    const config = load({ ...GOOD, ringDir: 'rings', killFile: 'stop', sysRoot: 'sys', procRoot: 'proc' });
    expect(config).toMatchObject({ dataDir: join(dir, 'data'), factory: join(dir, 'factory') });
    expect(config).toMatchObject({ ringDir: join(dir, 'rings'), killFile: join(dir, 'stop') });
    expect(config).toMatchObject({ sysRoot: join(dir, 'sys'), procRoot: join(dir, 'proc') });
  });

  it('lets the environment win', () => {
    const config = load(GOOD, { BELAY_DEVICE: 'device-9', BELAY_MQTT_URL: 'mqtts://broker:8883' });
    expect(config).toMatchObject({ device: 'device-9', controlPlane: { mqttUrl: 'mqtts://broker:8883' } });
  });

  it('names every mistake at once, with its place', () => {
    const text = mistakes({
      ...GOOD,
      site: 'Site A',
      windowMs: 5,
      colour: 'red',
      controlPlane: { ...GOOD.controlPlane, mqttUrl: 'http://x' },
      cameras: [GOOD.cameras[0], GOOD.cameras[0]],
    });
    for (const part of [
      'site: must be 3 to 64',
      'windowMs:',
      'colour',
      'controlPlane.mqttUrl: must be a URL such as mqtt',
      'cameras: two have the same id',
    ])
      expect(text).toContain(part);
  });

  it('names files that are missing or wrong', () => {
    writeFileSync(join(dir, 'trust.json'), '{"keys":[]}');
    const text = mistakes({ ...GOOD, controlPlane: { ...GOOD.controlPlane, passwordFile: 'nowhere' } });
    expect(text).toContain('controlPlane.passwordFile: cannot be read');
    expect(text).toContain('controlPlane.trustFile:');
  });

  it('names a trusted key that is no key', () => {
    writeFileSync(join(dir, 'trust.json'), '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"main"}]}');
    expect(mistakes(GOOD)).toMatch(/controlPlane\.trustFile: .*the key "main" is no usable public key/);
  });

  it('refuses two passwords, none, and a file that is not there', () => {
    expect(mistakes({ ...GOOD, controlPlane: { ...GOOD.controlPlane, password: 'x' } })).toContain(
      'either password or passwordFile',
    );
    expect(() => loadConfig(join(dir, 'nothing.json'), {})).toThrow('cannot be read');
  });
});
