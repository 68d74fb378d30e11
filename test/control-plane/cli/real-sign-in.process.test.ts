// Signing in by the command line at a real control plane: a token of its own, roles that hold, and an end to both.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { openSignedPlane, PASSWORD, type SignedPlane } from '../identity/signed-plane.ts';
import { runBelay } from './run-belay.ts';

let plane: SignedPlane;
let home = '';
beforeAll(async () => {
  plane = await openSignedPlane();
  await plane.newPerson('lead', [{ role: 'operator', sites: ['plant-a'] }]);
  home = await mkdtemp(path.join(tmpdir(), 'belay-signed-in-'));
});
afterAll(async () => {
  await plane?.close();
  await rm(home, { recursive: true, force: true });
});

const belay = (args: readonly string[], stdin = '', env: Record<string, string> = {}) =>
  runBelay(args, { stdin, env: { XDG_CONFIG_HOME: home, ...env } });

it('login, roles, a token for CI, and logout', async () => {
  expect((await belay(['status', '--url', plane.url])).code).toBe(EXIT.forbidden);
  const wrong = await belay(['login', plane.url, '--name', 'lead'], 'not the password\n');
  expect(wrong.code).toBe(EXIT.forbidden);
  const login = await belay(['login', plane.url, '--name', 'lead', '--context', 'lab'], `${PASSWORD}\n`);
  expect([login.stderr, login.code]).toEqual(['', EXIT.ok]);
  expect((await belay(['whoami'])).stdout).toContain('operator on plant-a');
  expect((await belay(['status'])).code).toBe(EXIT.ok);
  expect((await belay(['account', 'list'])).code).toBe(EXIT.forbidden);

  const create = ['token', 'create', 'ci', '--grant', 'viewer@plant-a', '--no-kill', '--days', '2', '--name', 'lead'];
  const made = await belay(create, PASSWORD);
  expect([made.code, made.stderr]).toEqual([EXIT.ok, expect.stringContaining('viewer on plant-a')]);
  const ci = { BELAY_TOKEN: made.stdout.trim(), BELAY_URL: plane.url };
  expect((await belay(['device', 'list'], '', ci)).code).toBe(EXIT.ok);
  const kill = await belay(['kill', '--site', 'plant-a', '--reason', 'x', '--no-wait'], '', ci);
  expect(kill.code).toBe(EXIT.forbidden);
  const { tokens } = JSON.parse((await belay(['token', 'list', '--json'])).stdout) as {
    tokens: { id: string; name: string }[];
  };
  expect(tokens.map(({ name }) => name).toSorted()).toEqual(['ci', expect.stringMatching(/^belay on /)].toSorted());
  const id = tokens.find(({ name }) => name === 'ci')?.id ?? '';
  expect((await belay(['token', 'revoke', id])).code).toBe(EXIT.ok);
  expect((await belay(['device', 'list'], '', ci)).code).toBe(EXIT.forbidden);

  expect((await belay(['logout'])).code).toBe(EXIT.ok);
  expect((await belay(['status'])).code).toBe(EXIT.forbidden);
});

it('an administrator makes an account, takes it away, and each changes their own password', async () => {
  const { headers } = await plane.newPerson('root', [{ role: 'admin', sites: '*' }]);
  expect(headers).toBeDefined();
  await belay(['login', plane.url, '--name', 'root', '--context', 'root'], PASSWORD);
  const add = await belay(['account', 'add', 'bo', '--grant', 'viewer', '--reason', 'audit'], 'a first password of bo');
  expect([add.stderr, add.code]).toEqual(['', EXIT.ok]);
  const passwd = await belay(
    ['account', 'passwd', '--name', 'bo', '--url', plane.url],
    'a first password of bo\nthe second one of bo\n',
  );
  expect([passwd.stderr, passwd.code]).toEqual(['', EXIT.ok]);
  expect((await belay(['account', 'set', 'bo', '--grant', 'approver@plant-a'])).stdout).toContain(
    'bo: approver on plant-a',
  );
  expect((await belay(['account', 'disable', 'bo', '--reason', 'left'])).code).toBe(EXIT.ok);
  const shut = await belay(['login', plane.url, '--name', 'bo', '--context', 'bo'], 'the second one of bo');
  expect(shut.code).toBe(EXIT.forbidden);
});
