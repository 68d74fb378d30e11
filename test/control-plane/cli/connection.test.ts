// Which control plane is meant and as whom; the file of contexts, which nobody else may read.
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveConnection } from '../../../control-plane/cli/connection.ts';
import {
  type Context,
  contextNameOf,
  contextsFile,
  readContexts,
  withContext,
  writeContexts,
} from '../../../control-plane/cli/contexts.ts';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';

let home = '';
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'belay-contexts-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));
beforeEach(() => {
  vi.stubEnv('XDG_CONFIG_HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const context = (name: string, url: string, token: string | null = null): Context => ({
  name,
  url,
  token,
  tokenId: null,
  account: null,
  expiresAtMs: null,
});
const A = context('plant-a', 'https://belay.plant-a.example', 'bly_a');
const B = context('plant-b', 'https://belay.plant-b.example:8443', 'bly_b');

describe('the file of contexts', () => {
  it('is not needed', async () => {
    expect(await readContexts(path.join(home, 'none.json'))).toEqual({
      schema: 'belay.cli/1',
      current: null,
      contexts: [],
    });
  });

  it('is written for its owner alone, and read back; the last one written is current', async () => {
    const none = await readContexts();
    await writeContexts(withContext(withContext(none, A), B));
    expect((await stat(contextsFile())).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(contextsFile()))).mode & 0o777).toBe(0o700);
    expect(await readContexts()).toEqual({ schema: 'belay.cli/1', current: 'plant-b', contexts: [A, B] });
  });

  it('that others may read is refused with the fix', async () => {
    await chmod(contextsFile(), 0o640);
    const refused = await readContexts().catch((error: unknown) => error);
    expect(refused).toMatchObject({ exitCode: EXIT.forbidden });
    expect(String(refused)).toContain(`mode 0640): nothing is sent.\nNext: chmod 600 ${contextsFile()}`);
    await chmod(contextsFile(), 0o600);
  });

  it('that is none is refused with what is wrong', async () => {
    const file = path.join(home, 'broken.json');
    await writeFile(file, '{"schema":"belay.cli/1","contexts":[{}]}', { mode: 0o600 });
    await expect(readContexts(file)).rejects.toThrow(/is not a list of contexts \(current: .*contexts\.0\.name/);
  });
});

describe('resolveConnection', () => {
  it.each([
    { name: 'the current context', wanted: {}, env: {}, url: B.url, token: 'bly_b', tokenFrom: 'plant-b' },
    {
      name: '--context',
      wanted: { context: 'plant-a' },
      env: { BELAY_URL: B.url },
      url: A.url,
      token: 'bly_a',
      tokenFrom: 'plant-a',
    },
    {
      name: 'BELAY_CONTEXT',
      wanted: {},
      env: { BELAY_CONTEXT: 'plant-a' },
      url: A.url,
      token: 'bly_a',
      tokenFrom: 'plant-a',
    },
    {
      name: 'BELAY_URL before contexts',
      wanted: {},
      env: { BELAY_URL: 'http://127.0.0.1:1', BELAY_CONTEXT: 'plant-a' },
      url: 'http://127.0.0.1:1',
      token: null,
      tokenFrom: null,
    },
    {
      name: '--url before all',
      wanted: { url: 'http://127.0.0.1:2' },
      env: { BELAY_URL: 'http://127.0.0.1:1' },
      url: 'http://127.0.0.1:2',
      token: null,
      tokenFrom: null,
    },
    {
      name: 'the token of the address that --url names',
      wanted: { url: `${A.url}/` },
      env: {},
      url: `${A.url}/`,
      token: 'bly_a',
      tokenFrom: 'plant-a',
    },
    {
      name: 'BELAY_TOKEN',
      wanted: {},
      env: { BELAY_TOKEN: 'bly_ci' },
      url: B.url,
      token: 'bly_ci',
      tokenFrom: 'BELAY_TOKEN',
    },
  ])('$name', async ({ wanted, env, url, token, tokenFrom }) => {
    expect(await resolveConnection(wanted, env)).toEqual({ url, token, tokenFrom });
  });

  it('sends no token to another port, host or protocol of the same name', async () => {
    for (const url of [
      'http://belay.plant-a.example',
      'https://belay.plant-a.example:444',
      'https://belay.plant-a.example.net',
    ])
      expect((await resolveConnection({ url }, {})).token).toBeNull();
  });

  it('does not look at the file where variables say everything: a kill must not wait for chmod', async () => {
    await chmod(contextsFile(), 0o644);
    const env = { BELAY_URL: A.url, BELAY_TOKEN: 'bly_ci' };
    expect(await resolveConnection({}, env)).toEqual({ url: A.url, token: 'bly_ci', tokenFrom: 'BELAY_TOKEN' });
    await expect(resolveConnection({}, {})).rejects.toThrow('chmod 600');
    await chmod(contextsFile(), 0o600);
  });

  it('names what there is when a context is unknown, and refuses what is no address', async () => {
    await expect(resolveConnection({ context: 'plant-c' }, {})).rejects.toThrow('"plant-c" (known: plant-a, plant-b)');
    await expect(resolveConnection({ url: 'plant-a:7420' }, {})).rejects.toThrow(
      'is not an address of a control plane',
    );
  });
});

it('a context is called after its host', () => {
  expect(['https://belay.plant-a.example:7420', 'http://127.0.0.1:7420', 'http://[::1]:1'].map(contextNameOf)).toEqual([
    'belay.plant-a.example',
    'local',
    'local',
  ]);
});
