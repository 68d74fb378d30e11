// belay login, logout, whoami, token, account: what is sent, what is kept, and what is never sent.
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import {
  accountCreateBodySchema,
  accountSchema,
  sessionSchema,
  tokenCreateBodySchema,
  tokenCreatedSchema,
} from '../../../shared/protocol/api-identity.ts';
import { status } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer, type Route } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
let elsewhere: RecordedServer;
let home = '';
let file = '';

beforeAll(async () => {
  [server, elsewhere] = [await openRecordedServer(), await openRecordedServer()];
  home = await mkdtemp(path.join(tmpdir(), 'belay-login-'));
  file = path.join(home, 'belay', 'config.json');
});
afterAll(async () => {
  await server.close();
  await elsewhere.close();
  await rm(home, { recursive: true, force: true });
});
beforeEach(() => {
  elsewhere.answer({ 'GET /v1/status': { body: status({}) } });
  server.answer(ROUTES);
});

const GRANTS = [{ role: 'operator', sites: ['plant-a'] }];
const identity = { name: 'lead', kind: 'person', grants: GRANTS, mayKill: true };
const session = sessionSchema.parse({ identity, csrf: 'csrf-1', expiresAtMs: 9e12, open: false });
const token = tokenCreatedSchema.parse({
  ...{
    id: 'tk-1',
    name: 'belay on box',
    owner: 'lead',
    grants: GRANTS,
    mayKill: true,
    createdAtMs: 1,
    expiresAtMs: 9e12,
  },
  lastUsedAtMs: null,
  token: 'bly_secret',
});
const SIGNED_OUT: Route = { status: 401, body: { title: 'sign in' } };
const bearer: Route = ({ headers }) =>
  headers.authorization === 'Bearer bly_secret' ? { body: status({}) } : (SIGNED_OUT as { status: number });
const ROUTES: Record<string, Route> = {
  'GET /v1/session': SIGNED_OUT,
  'POST /v1/session': {
    body: session,
    headers: { 'set-cookie': 'belay_session=s-1; HttpOnly; Path=/; SameSite=Strict' },
  },
  'POST /v1/tokens': { status: 201, body: token },
  'DELETE /v1/session': { status: 204, body: '' },
  'DELETE /v1/tokens/tk-1': { status: 204, body: '' },
  'GET /v1/status': bearer,
};

const belay = (args: readonly string[], options: { stdin?: string; env?: Record<string, string> } = {}) =>
  runBelay(args, { ...options, env: { XDG_CONFIG_HOME: home, ...options.env } });

describe('signing in', () => {
  it('without a terminal and a name is exit code 2, and asks nothing of anybody', async () => {
    const { code, stderr } = await belay(['login', server.url]);
    expect([code, stderr]).toEqual([
      EXIT.usage,
      expect.stringContaining('Next: add --name, with the password on stdin'),
    ]);
    expect(server.last('POST /v1/session')).toBeUndefined();
  });

  it('gives this machine a token of its own, ends the session, and keeps no password', async () => {
    const args = ['login', server.url, '--name', 'lead', '--context', 'lab'];
    const { code, stdout } = await belay(args, { stdin: 'correct horse battery\n' });
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain(`Signed in at ${server.url} as lead (person); operator on plant-a; may kill`);
    expect(stdout).not.toContain('bly_secret');
    expect(server.last('POST /v1/session')?.body).toEqual({ name: 'lead', password: 'correct horse battery' });
    const made = server.last('POST /v1/tokens');
    expect(made?.headers).toMatchObject({ cookie: 'belay_session=s-1', 'x-belay-csrf': 'csrf-1' });
    expect(tokenCreateBodySchema.parse(made?.body).days).toBe(90);
    expect(server.last('DELETE /v1/session')?.headers).toMatchObject({
      cookie: 'belay_session=s-1',
      'x-belay-csrf': 'csrf-1',
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const kept = await readFile(file, 'utf8');
    expect(kept).not.toContain('battery');
    expect(JSON.parse(kept)).toMatchObject({
      current: 'lab',
      contexts: [{ url: server.url, token: 'bly_secret', account: 'lead' }],
    });
  });

  it('is then in force: the token goes to its own control plane, and to no other', async () => {
    expect((await belay(['status'])).code).toBe(EXIT.ok);
    expect((await belay(['status', '--url', elsewhere.url])).code).toBe(EXIT.ok);
    expect(elsewhere.last('GET /v1/status')?.headers.authorization).toBeUndefined();
  });

  it('is refused with the command that helps', async () => {
    const { code, stderr } = await belay(['status'], { env: { BELAY_TOKEN: 'bly_old' } });
    expect([code, stderr]).toEqual([EXIT.forbidden, expect.stringContaining('Next: BELAY_TOKEN is not accepted')]);
    const nobody = await runBelay(['status'], { url: server.url });
    expect([nobody.code, nobody.stderr]).toEqual([
      EXIT.forbidden,
      expect.stringContaining(`Next: belay login ${server.url}`),
    ]);
  });

  it('sends nothing while others may read the token', async () => {
    await chmod(file, 0o644);
    const { code, stderr } = await belay(['status']);
    await chmod(file, 0o600);
    expect([code, stderr]).toEqual([EXIT.forbidden, expect.stringContaining(`Next: chmod 600 ${file}`)]);
    expect(server.requests).toEqual([]);
  });

  it('with a wrong password is exit code 4', async () => {
    server.answer({ ...ROUTES, 'POST /v1/session': { status: 401, body: { title: 'wrong name or password' } } });
    const { code, stderr } = await belay(['login', server.url, '--name', 'lead'], { stdin: 'wrong\n' });
    expect([code, stderr]).toEqual([EXIT.forbidden, expect.stringContaining('wrong name or password')]);
  });

  it('makes no tokens by a token: the password is asked for, and the token goes to stdout alone', async () => {
    const args = ['token', 'create', 'ci', '--grant', 'viewer@plant-a,plant-b', '--no-kill', '--name', 'lead'];
    const { code, stdout, stderr } = await belay(args, { stdin: 'correct horse battery' });
    expect([code, stdout]).toEqual([EXIT.ok, 'bly_secret\n']);
    expect(stderr).toContain('It is not shown again');
    expect(server.last('POST /v1/tokens')).toMatchObject({
      headers: { cookie: 'belay_session=s-1' },
      body: { name: 'ci', grants: [{ role: 'viewer', sites: ['plant-a', 'plant-b'] }], mayKill: false },
    });
  });

  it('makes accounts with a first password from stdin, and shows none with --dry-run', async () => {
    const account = {
      name: 'bo',
      grants: GRANTS,
      mayKill: true,
      disabled: false,
      createdAtMs: 1,
      createdBy: 'lead',
      lastSignInAtMs: null,
    };
    server.answer({ ...ROUTES, 'POST /v1/accounts': { status: 201, body: accountSchema.parse(account) } });
    const args = ['account', 'add', 'bo', '--grant', 'operator@plant-a', '--reason', 'new shift'];
    const dry = await belay([...args, '--dry-run']);
    expect([dry.code, server.requests]).toEqual([EXIT.ok, []]);
    expect(dry.stdout).toContain('Would make the account "bo"');
    const { code, stdout } = await belay(args, { stdin: 'a first password\n' });
    expect([code, stdout]).toEqual([EXIT.ok, 'bo: operator on plant-a; may kill\n']);
    const body = accountCreateBodySchema.parse(server.last('POST /v1/accounts')?.body);
    expect(body).toEqual({ name: 'bo', password: 'a first password', grants: GRANTS, reason: 'new shift' });
    expect((await belay(['account', 'add', 'bo', '--grant', 'boss'])).code).toBe(EXIT.usage);
  });
});

describe('signing out', () => {
  it('revokes the token and forgets it', async () => {
    const { code } = await belay(['logout']);
    expect(code).toBe(EXIT.ok);
    expect(server.last('DELETE /v1/tokens/tk-1')?.headers.authorization).toBe('Bearer bly_secret');
    expect(await readFile(file, 'utf8')).not.toContain('bly_secret');
    const who = await belay(['whoami']);
    expect([who.code, who.stderr]).toEqual([
      EXIT.forbidden,
      expect.stringContaining(`Next: belay login ${server.url}`),
    ]);
  });

  it('is not needed where nobody signs in', async () => {
    server.answer({ 'GET /v1/session': { body: { ...session, csrf: null, open: true } } });
    const { code, stdout } = await belay(['login', server.url, '--context', 'open']);
    expect([code, stdout]).toEqual([EXIT.ok, expect.stringContaining('Nobody signs in')]);
    expect(server.last('POST /v1/session')).toBeUndefined();
  });
});

it('a refusal of a role is exit code 4 with what the control plane advises', async () => {
  server.answer({ 'GET /v1/accounts': problem('forbidden', 'lead may not administer') });
  const { code, stderr } = await runBelay(['account', 'list'], { url: server.url, env: { BELAY_TOKEN: 'bly_secret' } });
  expect([code, stderr]).toEqual([EXIT.forbidden, expect.stringContaining('belay: lead may not administer\nNext: ')]);
});
