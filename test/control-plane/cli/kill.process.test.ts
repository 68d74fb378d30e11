// belay kill, rearm and kills: exactly one scope, a wait for acknowledgements, stragglers by name.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderKill, scopeOf } from '../../../control-plane/cli/commands/kill.ts';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { killBodySchema, killListSchema } from '../../../shared/protocol/api-kills.ts';
import { kill } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { plain, tagged } from './render/tints.ts';
import { runBelay, tooWide } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());

const belay = (...args: string[]) => runBelay(args, { url: server.url });

const A2 = { site: 'plant-a', device: 'cam-a2' };
const waiting = kill({ acknowledged: 3, stragglers: [A2, { site: 'plant-b', device: 'cam-b1' }] });
const nearly = kill({ acknowledged: 4, stragglers: [A2] });

describe('scopeOf', () => {
  it.each([
    [{ all: true }, { kind: 'fleet' }],
    [{ site: 'plant-a' }, { kind: 'site', site: 'plant-a' }],
    [{ device: 'plant-a/cam-a1' }, { kind: 'device', site: 'plant-a', device: 'cam-a1' }],
    [{ rollout: 'ro-7q2' }, { kind: 'rollout', rolloutId: 'ro-7q2' }],
    [{ release: 'cv-detector:2.0.0' }, { kind: 'release', release: 'cv-detector:2.0.0' }],
  ])('%o reaches %o', (options, scope) => {
    expect(scopeOf(options)).toEqual(scope);
  });

  it.each([[{}], [{ all: true, site: 'plant-a' }], [{ site: 'plant-a', rollout: 'ro-7q2' }]])(
    'refuses %o: exactly one scope is never a guess',
    (options) => {
      expect(() => scopeOf(options)).toThrow('exactly one of --all, --site, --device, --rollout, --release');
    },
  );

  it('refuses half a device', () => {
    expect(() => scopeOf({ device: 'plant-a' })).toThrow('"plant-a" is not SITE/DEVICE');
    expect(() => scopeOf({ device: 'plant-a/cam-a1/x' })).toThrow('is not SITE/DEVICE');
  });
});

describe('renderKill', () => {
  it('shows the measured effect on 80 columns', () => {
    const text = renderKill(kill(), plain);
    expect(tooWide(text)).toEqual([]);
    expect(text).toBe(
      [
        '5 of 6 devices answered a frame with a release that is allowed',
        'acknowledged after p50 41 ms, p99 89 ms, slowest 89 ms',
        '2 of them were answering with what was killed',
        'offline: plant-c/cam-c2',
        'It stays in force until: belay rearm k-1 --reason "…"',
      ].join('\n'),
    );
  });

  it('names stragglers with the next step, and shows no times where none were measured', () => {
    const text = renderKill(kill({ ...nearly, p50Ms: null, p99Ms: null, maxMs: null }), tagged);
    expect(text).toContain('<bad:no answer yet: plant-a/cam-a2. Next: belay device explain plant-a/cam-a2>');
    expect(text).not.toContain('acknowledged after');
  });
});

it('a kill that reaches nobody says so: a mistyped site must not look like success', () => {
  const text = renderKill(kill({ sent: 0, acknowledged: 0, reverted: 0, maxMs: null, offline: [] }), plain);
  expect(text).toContain('no device is known there');
});

describe('belay kill', () => {
  it('waits for the acknowledgements, then shows the effect: the reason and the actor reach the control plane', async () => {
    server.answer({
      'POST /v1/kills': { status: 201, body: waiting },
      'GET /v1/kills/k-1': (_request, times) => ({ body: [waiting, nearly][times] ?? kill() }),
    });
    const { code, stdout, stderr } = await belay('kill', '--all', '--reason', 'misses cracks');
    expect(code).toBe(EXIT.ok);
    expect(server.requests.filter((request) => request.method === 'GET')).toHaveLength(3);
    expect(stdout).toContain('5 of 6 devices answered');
    expect(stderr).toBe(
      'kill k-1 is in force on the whole fleet: 6 devices, 1 of them offline (they obey before their first frame)\n',
    );
    const body = server.last('POST /v1/kills')?.body;
    expect(body).toEqual({ scope: { kind: 'fleet' }, reason: 'misses cracks', actor: 'lead' });
    expect(killBodySchema.safeParse(body).success).toBe(true);
  });

  it('ends with 7 at the deadline, with every straggler by name', async () => {
    server.answer({ 'POST /v1/kills': { body: waiting }, 'GET /v1/kills/k-1': { body: nearly } });
    const { code, stdout } = await belay('kill', '--site', 'plant-a', '--reason', 'smoke', '--timeout', '0.5');
    expect(code).toBe(EXIT.timeout);
    expect(stdout).toContain('no answer yet: plant-a/cam-a2');
    expect(server.requests.length).toBeGreaterThan(2);
  });

  it('does not wait with --no-wait, and gives the one document as JSON', async () => {
    server.answer({ 'POST /v1/kills': { body: waiting } });
    const args = ['kill', '--rollout', 'ro-7q2', '--reason', 'smoke', '--no-wait', '--json', '--actor', 'on-call'];
    const { code, stdout } = await belay(...args);
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toEqual(waiting);
    expect(server.last('POST /v1/kills')?.body).toMatchObject({ actor: 'on-call' });
  });

  it('says what it leaves alone', async () => {
    const leavesAlone = 'cam-a1 has committed it. To reach that too: belay kill --release cv-detector:2.0.0';
    server.answer({ 'POST /v1/kills': { body: kill({ leavesAlone }) } });
    expect((await belay('kill', '--all', '--reason', 'smoke')).stderr).toContain(leavesAlone);
  });

  it('without a reason or a scope kills nothing', async () => {
    server.answer({ 'POST /v1/kills': { body: kill() } });
    const noReason = await belay('kill', '--all');
    const noScope = await belay('kill', '--reason', 'smoke');
    const badTimeout = await belay('kill', '--all', '--reason', 'smoke', '--timeout', 'soon');
    expect([noReason.code, noScope.code, badTimeout.code]).toEqual([EXIT.usage, EXIT.usage, EXIT.usage]);
    expect(noScope.stderr).toContain('say whom the kill reaches');
    expect(server.requests).toEqual([]);
  });

  it('that could not be published says so, and what to do', async () => {
    server.answer({ 'POST /v1/kills': problem('kill-not-sent', 'no broker is reachable') });
    const { code, stderr } = await belay('kill', '--all', '--reason', 'smoke');
    expect(code).toBe(EXIT.failed);
    expect(stderr).toContain('belay: no broker is reachable\nNext: It is kept and sent again');
  });
});

describe('belay rearm and kills', () => {
  it('rearm ends a kill with a reason', async () => {
    const body = kill({ active: false, clearedAtMs: 1, clearedBy: 'lead', clearedReason: 'lens cleaned' });
    server.answer({ 'POST /v1/kills/k-1/rearm': { body } });
    const { code, stdout } = await belay('rearm', 'k-1', '--yes', '--reason', 'lens cleaned');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain('kill k-1 is over.');
    expect(server.last('POST /v1/kills/k-1/rearm')?.body).toEqual({ reason: 'lens cleaned', actor: 'lead' });
  });

  it('rearm of a kill that is over is exit code 5', async () => {
    server.answer({ 'POST /v1/kills/k-1/rearm': problem('conflict', 'kill k-1 is over already') });
    expect((await belay('rearm', 'k-1', '--yes', '--reason', 'x')).code).toBe(EXIT.conflict);
  });

  it('kills lists them, and says when there was none', async () => {
    const kills = [kill({ id: 'k-2', scope: { kind: 'site', site: 'plant-b' } }), kill({ active: false })];
    server.answer({ 'GET /v1/kills': { body: killListSchema.parse({ kills }) } });
    const text = (await belay('kills')).stdout;
    expect(text).toMatch(/^k-2 {3}site plant-b {5}in force {2}.* ago +lead +misses cracks$/m);
    expect(text).toMatch(/^k-1 {3}the whole fleet {2}over /m);
    expect(JSON.parse((await belay('kills', '--json')).stdout).kills).toHaveLength(2);
    server.answer({ 'GET /v1/kills': { body: { kills: [] } } });
    expect((await belay('kills')).stdout).toBe('No kill was ever raised.\n');
  });
});
