// The kill page while the database fails: it is drawn, and the kill goes out, from memory alone.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { registerKillPage } from '../../../control-plane/http/kill-page.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { openKillJournal } from '../../../control-plane/kill-switch/kill-journal.ts';
import { KillSwitch } from '../../../control-plane/kill-switch/kill-switch.ts';
import { openScopeLookup } from '../../../control-plane/kill-switch/resolve-scope.ts';
import { openSigning } from '../../../control-plane/signing/signing.ts';

const published: string[] = [];
let folder: string;
let app: HttpApp;

const down = async (): Promise<never> => {
  throw new Error('the database is gone');
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-kill-page-'));
  const log = pino({ level: 'silent' });
  const clocks = { wallNow: () => Date.now(), monotonicNow: () => performance.now() };
  const presence = new PresenceBook();
  presence.seen({ site: 'plant-a', device: 'cam-01', boot: 'boot-0001', atMs: Date.now() });
  const killSwitch = new KillSwitch({
    ...clocks,
    sign: (await openSigning(folder)).sign,
    publish: async (topic) => void published.push(topic),
    presence,
    journal: openKillJournal(join(folder, 'kills.json')),
    store: { readAll: down, recordRaised: down, recordCleared: down, recordAcks: down },
    log,
  });
  app = await buildServer({ version: 'test', log, loopbackOnly: false, access: openToAnybody() });
  const lookUp = openScopeLookup({ resolveRelease: () => ({ kind: 'unknown' }), presence, findRollout: down });
  const page = { ...clocks, killSwitch, presence, lookUp, onChange: () => {}, dashboardFolder: join(folder, 'none') };
  registerKillPage(app, page);
});

afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

it('is drawn, sends the kill, says that it is not on record yet, and keeps it in force', async () => {
  expect((await app.inject('/kill')).body).toContain('The whole fleet: 1 device, all online');
  const form = new URLSearchParams({ scope: 'site:plant-a', reason: 'smoke', confirm: 'yes' });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const posted = await app.inject({ method: 'POST', url: '/kill', headers, payload: form.toString() });
  expect(posted.statusCode).toBe(303);
  expect(published).toEqual(['belay/v1/plant-a/kill']);
  const shown = await app.inject(String(posted.headers.location));
  expect(shown.body).toContain('1 kills are in force but not on record yet');

  const rearm = new URLSearchParams({ reason: 'over', typed: String(posted.headers.location).replace('/kill/', '') });
  const url = `${posted.headers.location}/rearm`;
  const refused = await app.inject({ method: 'POST', url, headers, payload: rearm.toString() });
  expect(refused.statusCode).toBe(422);
  expect(refused.body).toContain('could not be recorded');
});

it('says why a rollout cannot be named now', async () => {
  const form = new URLSearchParams({ scope: 'rollout:ro-1', reason: 'smoke', confirm: 'yes' });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await app.inject({ method: 'POST', url: '/kill', headers, payload: form.toString() });
  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain('cannot be looked up now');
});
