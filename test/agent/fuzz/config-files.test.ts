// The configuration and the files it names, damaged in every way: all mistakes in one readable error, never anything else.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify as yamlOf } from 'yaml';
import { ConfigError, loadConfig } from '../../../agent/config.ts';
import { clone, damaged, damagedJson, deepText, edited } from './mutations.ts';

const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'k1' };
const TRUST = { keys: [KEY] };
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
  sinks: [{ kind: 'stdout' }],
  windowMs: 60_000,
};
const ENVIRONMENT = { BELAY_MQTT_URL: 'mqtt://10.0.0.2:1883', BELAY_SITE: 'site-b' };

let folder = '';
beforeAll(() => {
  // In memory where there is such a folder: thousands of small writes are not what this is about.
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'belay-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Files = { readonly config?: Uint8Array | string; readonly trust?: Uint8Array; readonly password?: Uint8Array };

/** Null: it was taken. Throws whatever is not the documented error. */
function mistakesOf(files: Files, name = 'agent.json', environment: Record<string, string> = {}): string | null {
  writeFileSync(join(folder, name), files.config ?? JSON.stringify(GOOD));
  writeFileSync(join(folder, 'trust.json'), files.trust ?? JSON.stringify(TRUST));
  writeFileSync(join(folder, 'password'), files.password ?? 'secret\n');
  const before = process.threadCpuUsage();
  try {
    const config = loadConfig(join(folder, name), environment);
    expect(config.controlPlane === null || config.controlPlane.password !== '').toBe(true);
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Told where it is wrong, in a few lines.
    expect(error.message).toContain(name);
    expect(error.message.length).toBeLessThan(20_000);
    expect(error.message.replaceAll('\n', ' ')).not.toMatch(/\p{Cc}/u);
    return error.message;
  } finally {
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  }
}

describe('a configuration', () => {
  it('of damaged JSON is a ConfigError or a configuration', () => {
    fc.assert(
      fc.property(damagedJson(GOOD), fc.boolean(), (config, withEnvironment) => {
        mistakesOf({ config }, 'agent.json', withEnvironment ? ENVIRONMENT : {});
      }),
      { numRuns: 3000 },
    );
  });

  it('of damaged YAML is a ConfigError or a configuration', () => {
    const yaml = fc.oneof(
      damaged(Buffer.from(yamlOf(GOOD))),
      edited(GOOD).map((value) => Buffer.from(yamlOf(value))),
    );
    fc.assert(
      fc.property(yaml, fc.boolean(), (config, withEnvironment) => {
        mistakesOf({ config }, 'agent.yaml', withEnvironment ? ENVIRONMENT : {});
      }),
      { numRuns: 1200 },
    );
  });

  it('that is a bomb is refused in time', () => {
    const laughs = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).slice(1);
    const bombs = [
      `a0: &a0 [x]\n${laughs.join('\n')}\n`,
      'site: &a [*a]\n',
      '&a {site: *a, device: *a, ? *a : *a}\n',
      `site: ${deepText(5000)}\n`,
      `${'- '.repeat(5000)}x\n`,
      `site: ${'x'.repeat(2_000_000)}\n`,
      Array.from({ length: 5000 }, (_, i) => `k${i}: ${i}`).join('\n'),
      '--- 1\n--- 2\n',
      'site: !!binary AAAA\ndevice: !!js/function "x"\n',
      '%YAML 9.9\n---\nsite: a\n',
    ];
    for (const config of bombs) expect(mistakesOf({ config }, 'agent.yaml'), config.slice(0, 40)).not.toBeNull();
    for (const config of [deepText(100_000), deepText(100_000, '{"site":', '}'), `{"site":${deepText(50_000)}}`])
      expect(mistakesOf({ config }), config.slice(0, 40)).not.toBeNull();
  });

  it('with a byte order mark, as some editors write it, is read', () => {
    expect(mistakesOf({ config: `\ufeff${JSON.stringify(GOOD)}` })).toBeNull();
    expect(mistakesOf({ config: `\ufeff${yamlOf(GOOD)}` }, 'agent.yaml')).toBeNull();
    expect(mistakesOf({ trust: Buffer.from(`\ufeff${JSON.stringify(TRUST)}`) })).toBeNull();
  });

  it('that names the prototype changes no other object', () => {
    mistakesOf({ config: JSON.stringify(GOOD).replace('{', '{"__proto__":{"polluted":1},') });
    mistakesOf({ config: `__proto__: {polluted: 1}\n${yamlOf(GOOD)}` }, 'agent.yaml');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('the files it names', () => {
  it('are refused with their name when they are damaged', () => {
    fc.assert(
      fc.property(damagedJson(TRUST), (trust) => {
        const mistakes = mistakesOf({ trust });
        if (mistakes !== null) expect(mistakes).toContain('trust.json');
      }),
      { numRuns: 2000 },
    );
  });

  it('may hold any password that is not empty', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (password) => {
        const mistakes = mistakesOf({ password });
        const isEmpty = new TextDecoder().decode(password).trim() === '';
        if (isEmpty) expect(mistakes).toContain('password');
      }),
      { numRuns: 500 },
    );
  });
});

it('the files of this test are good ones', () => {
  expect(mistakesOf({})).toBeNull();
  expect(clone(GOOD)).toEqual(GOOD);
});
