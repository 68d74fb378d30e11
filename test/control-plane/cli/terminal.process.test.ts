// The questions of `belay` on a real terminal: asked once, with whom it reaches; only yes does it; nobody who said otherwise is asked.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { sessionSchema, tokenCreatedSchema } from '../../../shared/protocol/api-identity.ts';
import { onTerminal } from './on-terminal.ts';
import { kill, rollout, summary } from './recorded-documents.ts';
import { openRecordedServer, type RecordedServer } from './recorded-server.ts';

const GRANTS = [{ role: 'operator', sites: ['plant-a'] }];
const identity = { name: 'lead', kind: 'person', grants: GRANTS, mayKill: true };
const span = { createdAtMs: 1, expiresAtMs: 9e12, lastUsedAtMs: null };
const token = { id: 'tk-1', name: 'box', owner: 'lead', grants: GRANTS, mayKill: true, token: 'bly_secret', ...span };

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());
beforeEach(() =>
  server.answer({
    'GET /v1/rollouts': { body: { rollouts: [summary({})] } },
    'GET /v1/rollouts/ro-7q2': { body: rollout({}) },
    'POST /v1/rollouts/ro-7q2/promote': { body: rollout({}) },
    'POST /v1/rollouts/ro-7q2/rollback': { body: rollout({ state: 'rolled_back', phase: null }) },
    'GET /v1/devices': { body: { devices: [] } },
    'POST /v1/kills': { status: 201, body: kill() },
    'GET /v1/kills/k-1': { body: kill() },
    'POST /v1/kills/k-1/rearm': { body: kill({ active: false }) },
    'GET /v1/session': { status: 401, body: { title: 'sign in' } },
    'POST /v1/session': {
      body: sessionSchema.parse({ identity, csrf: 'csrf-1', expiresAtMs: 9e12, open: false }),
      headers: { 'set-cookie': 'belay_session=s-1; Path=/' },
    },
    'POST /v1/tokens': { status: 201, body: tokenCreatedSchema.parse(token) },
    'DELETE /v1/session': { status: 204, body: '' },
  }),
);

const belay = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  onTerminal(args, { url: server.url, env });
const changes = () => server.requests.filter(({ method }) => method !== 'GET').map(({ path: at }) => at);

const ROLLBACK = ['rollback', '--reason', 'dark images'];
const REARM = ['rearm', 'k-1', '--reason', 'lens cleaned'];

describe('a change', () => {
  it('is told with its reach, asked once, and done after yes', async () => {
    const terminal = belay(ROLLBACK);
    await terminal.sees('Roll back ro-7q2');
    expect(changes()).toEqual([]);
    terminal.type('y');
    const { code, shown } = await terminal.ended;
    expect([code, changes()], shown).toEqual([EXIT.ok, ['/v1/rollouts/ro-7q2/rollback']]);
    expect(shown).toContain('2 devices have the candidate now');
  });

  it.each([
    ['no', 'n'],
    ['Enter alone', '\r'],
    ['Ctrl-C', '\u0003'],
  ])('is not done after %s, and says so', async (_, keys) => {
    const terminal = belay(REARM);
    await terminal.sees('End the kill k-1');
    terminal.type(keys);
    const { code, shown } = await terminal.ended;
    expect([code, changes()], shown).toEqual([EXIT.failed, []]);
    expect(shown).toContain('belay: nothing was changed');
  });

  it.each([
    ['--yes', [...REARM, '--yes'], {}, '/v1/kills/k-1/rearm'],
    ['BELAY_NO_PROMPT, where it leads back', ROLLBACK, { BELAY_NO_PROMPT: '1' }, '/v1/rollouts/ro-7q2/rollback'],
    ['anybody, if it is a kill', ['kill', '--all', '--reason', 'smoke', '--no-wait'], {}, '/v1/kills'],
  ])('asks not: %s', async (_, args, env, path_) => {
    const { code, shown } = await belay(args, env).ended;
    expect([code, changes()], shown).toEqual([EXIT.ok, [path_]]);
    expect(shown).not.toContain('?');
  });

  it('that exposes devices is refused with BELAY_NO_PROMPT, as without a terminal', async () => {
    const args = ['rollout', 'promote', 'ro-7q2', '--reason', 'x'];
    const { code, shown } = await belay(args, { BELAY_NO_PROMPT: '1' }).ended;
    expect([code, changes()], shown).toEqual([EXIT.usage, []]);
    expect(shown).toContain('Next: add --yes');
  });
});

describe('belay login', () => {
  let home = '';
  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'belay-terminal-'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it('asks for the name and the password, and shows no letter of it', async () => {
    const terminal = belay(['login', server.url], { XDG_CONFIG_HOME: home });
    await terminal.sees('Name');
    terminal.type('lead\r');
    await terminal.sees('Password');
    terminal.type('correct horse battery\r');
    const { code, shown } = await terminal.ended;
    expect(code, shown).toBe(EXIT.ok);
    expect(server.last('POST /v1/session')?.body).toEqual({ name: 'lead', password: 'correct horse battery' });
    for (const word of ['correct', 'horse', 'battery']) expect(shown).not.toContain(word);
    expect(await readFile(path.join(home, 'belay/config.json'), 'utf8')).not.toContain('battery');
  });

  it('that is left says so, and signs nobody in', async () => {
    const terminal = belay(['login', server.url], { XDG_CONFIG_HOME: home });
    await terminal.sees('Name');
    terminal.type('\u0003');
    const { code, shown } = await terminal.ended;
    expect([code, changes()], shown).toEqual([EXIT.usage, []]);
    expect(shown).toContain('nothing was answered, nothing was changed');
  });
});
