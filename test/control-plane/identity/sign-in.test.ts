// Signing in to a real control plane: sessions and their CSRF token, tokens, the page without scripts, links, and the last admin.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../control-plane/config.ts';
import { ownPath } from '../../../control-plane/http/sign-in-page.ts';
import { openControlPlane } from '../../../control-plane/main.ts';
import { resetAdminIn } from '../../../control-plane/reset-admin.ts';
import { actorText } from '../../../shared/protocol/audit-words.ts';
import { CHEAP, openSignedPlane, PASSWORD, type Person, type SignedPlane } from './signed-plane.ts';

let plane: SignedPlane;
let lead: Person;

beforeAll(async () => {
  plane = await openSignedPlane();
  lead = await plane.newPerson('lead', [{ role: 'operator', sites: ['plant-a'] }]);
});

afterAll(() => plane.close());

const kill = (scope: object) => ({ scope, reason: 'smoke' });
const without = ({ headers }: Person, name: string) => plane.bearing({ ...headers, [name]: '' });

describe('a session', () => {
  it('is a cookie that scripts and other sites cannot use', async () => {
    const { headers } = await plane.nobody.ask('POST', '/v1/session', { name: 'lead', password: PASSWORD });
    expect(headers.get('set-cookie')).toMatch(
      /^belay_session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const { body } = await lead.ask('GET', '/v1/session');
    expect(body).toMatchObject({ identity: { name: 'lead', kind: 'person', mayKill: true }, open: false });
  });

  it('says the same to a wrong password and to a name that is not there', async () => {
    const wrong = await plane.nobody.ask('POST', '/v1/session', { name: 'lead', password: 'x' });
    const unknown = await plane.nobody.ask('POST', '/v1/session', { name: 'nobody-of-that-name', password: 'x' });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(wrong.body.detail).toBe(unknown.body.detail);
  });

  it('changes nothing without its CSRF token, and reads without', async () => {
    const bare = without(lead, 'x-belay-csrf');
    expect((await bare.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-a' }))).body).toMatchObject({
      type: '/problems/csrf',
      status: 403,
    });
    const other = plane.bearing({ ...lead.headers, 'x-belay-csrf': plane.admin.headers['x-belay-csrf'] ?? '' });
    expect((await other.ask('POST', '/v1/tokens', { name: 'x' })).status).toBe(403);
    expect((await bare.ask('GET', '/v1/status')).status).toBe(200);
  });

  it('is not to be used by a page of somebody else, whatever it sends', async () => {
    for (const from of [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
    ]) {
      const page = plane.bearing({ ...lead.headers, ...from });
      expect((await page.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-a' }))).body.type).toBe(
        '/problems/csrf',
      );
      const stranger = plane.bearing(from);
      expect((await stranger.ask('POST', '/v1/session', { name: 'lead', password: PASSWORD })).body.type).toBe(
        '/problems/csrf',
      );
    }
    const own = plane.bearing({ ...lead.headers, origin: plane.url, 'sec-fetch-site': 'same-origin' });
    expect((await own.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-a' }))).status).toBe(201);
  });

  it('ends with signing out, and all others with a new password', async () => {
    const [one, two] = [
      await plane.newPerson('second', [{ role: 'viewer', sites: '*' }]),
      await plane.person('second', PASSWORD),
    ];
    const change = (current: string) => one.ask('PUT', '/v1/session/password', { current, password: 'a new long one' });
    expect((await change('not it')).status).toBe(401);
    const changed = await change(PASSWORD);
    expect(changed.status).toBe(200);
    for (const old of [one, two]) expect((await old.ask('GET', '/v1/status')).status).toBe(401);
    const three = await plane.person('second', 'a new long one');
    expect((await three.ask('DELETE', '/v1/session')).body).toEqual({ signedOut: true });
    expect((await three.ask('GET', '/v1/status')).status).toBe(401);
  });
});

describe('the kill right', () => {
  it('reaches as far as the sites, and further for nobody', async () => {
    expect((await lead.ask('POST', '/v1/kills', kill({ kind: 'fleet' }))).status).toBe(403);
    expect((await lead.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-b' }))).status).toBe(403);
    const { body } = await plane.admin.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-b' }));
    const { body: fleet } = await plane.admin.ask('POST', '/v1/kills', kill({ kind: 'fleet' }));
    expect((await lead.ask('GET', `/v1/kills/${body.id}`)).status).toBe(404);
    expect((await lead.ask('GET', `/v1/kills/${fleet.id}`)).status).toBe(200);
    expect((await lead.ask('POST', `/v1/kills/${fleet.id}/rearm`, { reason: 'x' })).status).toBe(403);
    const { kills } = (await lead.ask('GET', '/v1/kills')).body as {
      kills: { scope: { kind: string; site?: string } }[];
    };
    expect(kills.map(({ scope }) => scope.site ?? scope.kind).sort()).toEqual(['fleet', 'plant-a']);
  });

  it('can be given to a viewer, and taken from an operator', async () => {
    const foreman = await plane.newPerson('foreman', [{ role: 'viewer', sites: ['plant-a'] }], { mayKill: true });
    const again = await foreman.ask('POST', '/v1/kills', { ...kill({ kind: 'site', site: 'plant-a' }), actor: 'lead' });
    expect(again.status).toBe(200);
    const trainee = await plane.newPerson('trainee', [{ role: 'operator', sites: '*' }], { mayKill: false });
    expect((await trainee.ask('POST', '/v1/kills', kill({ kind: 'fleet' }))).body.detail).toContain(
      'lacks the kill right',
    );
  });

  it('is recorded with the name of who was signed in', async () => {
    const { rows } = (await plane.admin.ask('GET', '/v1/audit?action=kill-raised&limit=5')).body as {
      rows: { actor: string }[];
    };
    expect(rows.map(({ actor }) => actor)).toEqual(['admin', 'admin', 'lead']);
  });
});

describe('a token', () => {
  it('does what it was made for in the name of its owner, without CSRF, and ends when it is revoked', async () => {
    const { status, body } = await lead.ask('POST', '/v1/tokens', { name: 'ci', days: 1, mayKill: false });
    expect(status).toBe(201);
    const program = plane.bearing({ authorization: `Bearer ${body.token}` });
    expect((await program.ask('GET', '/v1/session')).body).toMatchObject({
      identity: { name: 'lead', kind: 'token', mayKill: false },
      csrf: null,
    });
    expect((await program.ask('POST', '/v1/devices/plant-a/cam-09/credentials', {})).status).toBe(200);
    expect((await program.ask('POST', '/v1/kills', kill({ kind: 'site', site: 'plant-a' }))).status).toBe(403);
    expect((await program.ask('POST', '/v1/tokens', { name: 'another' })).status).toBe(409);
    expect((await program.ask('POST', '/v1/session/link', {})).status).toBe(409);
    const { rows } = (await plane.admin.ask('GET', '/v1/audit?subject=device/plant-a')).body as { rows: unknown[] };
    const via = { token: body.id, name: 'ci' };
    expect(rows).toMatchObject([{ actor: 'lead', action: 'credentials-issued', details: { via } }]);
    expect((await lead.ask('GET', '/v1/tokens')).body.tokens).toHaveLength(1);
    expect((await plane.admin.ask('DELETE', `/v1/tokens/${body.id}`)).status).toBe(200);
    expect((await program.ask('GET', '/v1/status')).status).toBe(401);
  });

  it('is named on record beside its owner, also by a kill; who is signed in has none', async () => {
    const { body } = await lead.ask('POST', '/v1/tokens', { name: 'pager', days: 1 });
    const pager = plane.bearing({ authorization: `Bearer ${body.token}` });
    const raised = await pager.ask('POST', '/v1/kills', kill({ kind: 'device', site: 'plant-a', device: 'cam-3' }));
    await lead.ask('POST', `/v1/kills/${raised.body.id}/rearm`, { reason: 'over' });
    type Row = { actor: string; action: string; details: { via?: unknown } };
    const rows = async () =>
      (await plane.admin.ask('GET', `/v1/audit?subject=kill/${raised.body.id}`)).body.rows as Row[];
    // A kill is sent first and recorded after.
    await expect.poll(async () => (await rows()).map(({ action }) => action)).toEqual(['kill-rearmed', 'kill-raised']);
    const via = { token: body.id, name: 'pager' };
    expect((await rows()).map(({ actor, details }) => [actor, details.via])).toEqual([
      ['lead', undefined],
      ['lead', via],
    ]);
    expect((await rows()).map(actorText)).toEqual(['lead', `lead (token pager, ${body.id})`]);
    await lead.ask('DELETE', `/v1/tokens/${body.id}`);
  });

  it('is not given more than its maker has, and is nobody else’s to see', async () => {
    for (const grants of [
      [{ role: 'admin', sites: ['plant-a'] }],
      [{ role: 'viewer', sites: '*' }],
      [{ role: 'viewer', sites: ['plant-b'] }],
    ])
      expect((await lead.ask('POST', '/v1/tokens', { name: 'x', grants })).status).toBe(403);
    const { body } = await plane.admin.ask('POST', '/v1/tokens', { name: 'of the admin' });
    expect((await lead.ask('DELETE', `/v1/tokens/${body.id}`)).status).toBe(404);
    expect((await lead.ask('GET', '/v1/tokens?all=true')).status).toBe(403);
    expect((await plane.admin.ask('GET', '/v1/tokens?all=true')).body.tokens).toHaveLength(1);
  });
});

describe('accounts', () => {
  it('are made and changed by an admin; the last one stays', async () => {
    const gone = await plane.admin.ask('PATCH', '/v1/accounts/admin', { disabled: true });
    expect(gone).toMatchObject({ status: 409, body: { detail: expect.stringContaining('last account') } });
    expect(
      (
        await plane.admin.ask('POST', '/v1/accounts', {
          name: 'short',
          password: 'short',
          grants: [{ role: 'viewer', sites: '*' }],
        })
      ).status,
    ).toBe(400);
    const carl = await plane.newPerson('carl', [{ role: 'viewer', sites: ['plant-a'] }]);
    expect(
      (
        await plane.admin.ask('POST', '/v1/accounts', {
          name: 'carl',
          password: PASSWORD,
          grants: [{ role: 'viewer', sites: '*' }],
        })
      ).status,
    ).toBe(409);
    expect(
      (await plane.admin.ask('PATCH', '/v1/accounts/carl', { disabled: true, reason: 'left' })).body,
    ).toMatchObject({ disabled: true });
    expect((await carl.ask('GET', '/v1/status')).status).toBe(401);
    expect(JSON.stringify((await plane.admin.ask('GET', '/v1/accounts')).body)).not.toContain('scrypt');
  });
});

describe('the page to sign in', () => {
  async function form(
    path: string,
  ): Promise<{ readonly cookie: string; readonly csrf: string; readonly text: string }> {
    const { headers, body } = await plane.nobody.ask('GET', path);
    const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
    const text = String(body.text);
    return { cookie, csrf: /name="csrf" value="(\w+)"/.exec(text)?.[1] ?? '', text };
  }
  const post = (cookie: string, fields: Record<string, string>) =>
    plane.bearing({ cookie }).ask('POST', '/sign-in', new URLSearchParams(fields));

  it('signs in without a script, goes on where somebody came from, and signs out', async () => {
    const { cookie, csrf, text } = await form('/sign-in?next=%2Fkill%3Fscope%3Dfleet');
    expect(text).not.toContain('<script');
    const signedIn = await post(cookie, { csrf, name: 'lead', password: PASSWORD, next: '/kill?scope=fleet' });
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/kill?scope=fleet']);
    const [session = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
    const person = plane.bearing({ cookie: session });
    expect((await person.ask('GET', '/sign-in?next=/fleet')).headers.get('location')).toBe('/fleet');
    const token =
      /name="csrf" value="([\w-]+)"/.exec(String((await person.ask('GET', '/sign-out')).body.text))?.[1] ?? '';
    expect((await person.ask('POST', '/sign-out', new URLSearchParams({}))).status).toBe(403);
    expect((await person.ask('POST', '/sign-out', new URLSearchParams({ csrf: token }))).headers.get('location')).toBe(
      '/sign-in',
    );
    expect((await person.ask('GET', '/v1/status')).status).toBe(401);
  });

  it('says what is wrong, and believes only the form that it has given', async () => {
    const { cookie, csrf } = await form('/sign-in');
    const wrong = await post(cookie, { csrf, name: '"><b>lead', password: 'x', next: '/' });
    expect([wrong.status, String(wrong.body.text)]).toEqual([401, expect.stringContaining('do not belong together')]);
    expect(String(wrong.body.text)).not.toContain('"><b>');
    for (const [known, given] of [
      ['', csrf],
      [cookie, 'other'],
      ['belay_sign_in=x', csrf],
    ] as const)
      expect((await post(known, { csrf: given, name: 'lead', password: PASSWORD })).status).toBe(403);
  });

  it('has a policy that lets nothing in, and asks once more where a browser comes from elsewhere', async () => {
    const { headers } = await plane.nobody.ask('GET', '/sign-in');
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; .*form-action 'self'; frame-ancestors 'none'/,
    );
    expect(headers.get('cache-control')).toBe('no-store');
    const guest = await plane.bearing({ 'sec-fetch-site': 'cross-site' }).ask('GET', '/sign-in?next=/kill');
    expect(String(guest.body.text)).toContain('http-equiv="refresh"');
  });

  it('goes to no other site', () => {
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/.//evil.example',
      'javascript:x',
      '/sign-out',
      '\t//evil.example',
      '/\t/evil.example',
    ])
      expect([next, ownPath(next)]).toEqual([next, '/']);
    expect(ownPath('/rollouts/r-1?tab=why#top')).toBe('/rollouts/r-1?tab=why#top');
  });

  it('takes a link once, and not from what only looks ahead', async () => {
    const { url } = (await lead.ask('POST', '/v1/session/link', {})).body as { url: string };
    const path = url.slice(plane.url.length);
    expect((await plane.bearing({ 'sec-purpose': 'prefetch' }).ask('GET', path)).status).toBe(425);
    const opened = await plane.nobody.ask('GET', path);
    expect([opened.status, opened.headers.get('location')]).toEqual([303, '/']);
    const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';');
    expect((await plane.bearing({ cookie }).ask('GET', '/v1/session')).body).toMatchObject({
      identity: { name: 'lead' },
    });
    expect((await plane.nobody.ask('GET', path)).status).toBe(401);
  });
});

describe('the way back in', () => {
  it('makes a new password in the data folder, but not while a control plane has it', async () => {
    await expect(resetAdminIn(plane.folder)).rejects.toThrow(/that is running; stop it/);
    const folder = await mkdtemp(join(tmpdir(), 'belay-reset-'));
    const first = await resetAdminIn(folder);
    const second = await resetAdminIn(folder);
    expect(second).not.toBe(first);
    const config = { dataDir: folder, http: { port: 0 }, mqtt: { port: 0 }, log: { level: 'silent' as const } };
    const other = await openControlPlane(parseConfig(config), { passwordCost: CHEAP });
    const signIn = (password: string) =>
      fetch(`${other.httpUrl}/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'admin', password }),
      });
    expect([(await signIn(first)).status, (await signIn(second)).status]).toEqual([401, 200]);
    await other.close();
    await rm(folder, { recursive: true });
  });
});

describe('the configuration', () => {
  it('in force is told to who administers every site alone', async () => {
    expect((await lead.ask('GET', '/v1/config')).status).toBe(403);
    const { settings } = (await plane.admin.ask('GET', '/v1/config')).body as { settings: { key: string }[] };
    expect(settings).toContainEqual({ key: 'signIn', value: 'required', isDefault: true });
  });

  it('lets everybody do everything on this machine alone', () => {
    expect(parseConfig({ dataDir: '/x' }).signIn).toBe('required');
    expect(parseConfig({ dataDir: '/x', signIn: 'open' }).signIn).toBe('open');
    expect(() => parseConfig({ dataDir: '/x', signIn: 'open', allowRemote: true })).toThrow(/this machine alone/);
  });

  it('leaves no password of the first admin in the data folder', async () => {
    const text = await readFile(join(plane.folder, 'belay.db'), 'latin1');
    expect(text).not.toContain(PASSWORD);
  });
});
