// What every command that changes something promises: dry runs change nothing, nobody is asked without a terminal, the way back is open.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { kill, rollout, summary } from './recorded-documents.ts';
import { openRecordedServer, type RecordedServer } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());

const running = rollout({});
const rolledBack = rollout({ state: 'rolled_back', phase: null, status: 'rolled back by lead' });
beforeEach(() =>
  server.answer({
    'GET /v1/rollouts': { body: { rollouts: [summary({ id: 'ro-old', state: 'completed' }), summary({})] } },
    'GET /v1/rollouts/ro-7q2': { body: running },
    'POST /v1/rollouts/ro-7q2/promote': { body: running },
    'POST /v1/rollouts/ro-7q2/rollback': { body: rolledBack },
    'GET /v1/devices': { body: { devices: [] } },
    'POST /v1/kills': { status: 201, body: kill() },
    'POST /v1/kills/k-1/rearm': { body: kill({ active: false }) },
  }),
);

const belay = (...args: string[]) => runBelay(args, { url: server.url });
const changes = () => server.requests.filter(({ method }) => method !== 'GET');

describe('what exposes devices, or takes a protection away', () => {
  it.each([
    ['promote', ['rollout', 'promote', 'ro-7q2', '--reason', 'x'], 'promote ro-7q2'],
    ['rearm', ['rearm', 'k-1', '--reason', 'x'], 'end the kill k-1'],
    [
      'abort --keep',
      ['rollout', 'abort', 'ro-7q2', '--keep', '--reason', 'x'],
      'leave exposed devices on the candidate',
    ],
  ])('%s needs --yes where nobody can be asked, and changes nothing without', async (_name, args, what) => {
    const { code, stdout, stderr } = await belay(...args);
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toContain(what);
    expect(stderr).toContain('Next: add --yes');
    expect(changes()).toEqual([]);
  });

  it('goes on with --yes, under the key that was given', async () => {
    const args = ['rollout', 'promote', 'ro-7q2', '--reason', 'x', '-y', '--idempotency-key', 'ci-42'];
    expect((await belay(...args)).code).toBe(EXIT.ok);
    expect(changes()).toMatchObject([{ path: '/v1/rollouts/ro-7q2/promote', headers: { 'idempotency-key': 'ci-42' } }]);
  });
});

describe('the way back', () => {
  it('is not held up: a rollback needs no --yes, and finds the rollout that goes on by itself', async () => {
    const { code, stderr } = await belay('rollback', '--reason', 'dark images');
    expect([code, stderr]).toEqual([EXIT.ok, 'rolling back ro-7q2, the only rollout that goes on\n']);
    expect(server.last('POST /v1/rollouts/ro-7q2/rollback')?.body).toEqual({ actor: 'lead', reason: 'dark images' });
  });

  it('a kill never asks', async () => {
    expect((await belay('kill', '--all', '--reason', 'smoke', '--no-wait')).code).toBe(EXIT.ok);
    expect(changes()).toHaveLength(1);
  });

  it('tells from what to what, and how many, with --dry-run', async () => {
    const { code, stdout } = await belay('rollback', '--reason', 'x', '--dry-run');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain('cv-detector:2.0.0+data=3ce470 → cv-detector:1.8.2+data=b4f7a1');
    expect(stdout).toContain('2 devices have the candidate now');
    expect(stdout).toContain('POST /v1/rollouts/ro-7q2/rollback {"actor":"lead","reason":"x"}\nNothing was changed.');
    expect(changes()).toEqual([]);
  });

  it('asks which when several go on, and says so when none does', async () => {
    server.answer({ 'GET /v1/rollouts': { body: { rollouts: [summary({}), summary({ id: 'ro-8' })] } } });
    const several = await belay('rollback', '--reason', 'x');
    expect([several.code, several.stderr]).toEqual([
      EXIT.usage,
      expect.stringMatching(/2 rollouts go on; say which:\n {2}ro-7q2 .*\n {2}ro-8 /),
    ]);
    server.answer({ 'GET /v1/rollouts': { body: { rollouts: [] } } });
    const none = await belay('rollback', '--reason', 'x');
    expect([none.code, none.stderr]).toEqual([
      EXIT.notFound,
      expect.stringContaining('Next: what is committed goes back'),
    ]);
  });
});

it('a dry run of a kill tells whom it would reach, as one JSON document', async () => {
  const { stdout } = await belay('kill', '--site', 'plant-a', '--reason', 'x', '--dry-run', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ dryRun: true, what: 'kill everything on trial on site plant-a' });
  expect(changes()).toEqual([]);
});
