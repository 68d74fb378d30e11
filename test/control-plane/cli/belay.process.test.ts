// What all commands share: help, wrong arguments, where words go, colour, an absent or strange control plane.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT, exitCodeOfStatus } from '../../../control-plane/cli/exit-codes.ts';
import { kill, status } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { runBelay, tooWide } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());
beforeEach(() => server.answer({ 'GET /v1/status': { body: status({ kills: [kill()] }) } }));

const belay = (...args: string[]) => runBelay(args, { url: server.url });

describe('help', () => {
  it('lists every command and every exit code, on stdout, in 80 columns', async () => {
    const { code, stdout, stderr } = await belay('--help');
    expect(code).toBe(EXIT.ok);
    expect(stderr).toBe('');
    for (const name of ['up', 'demo', 'status', 'release', 'rollout', 'device', 'kill', 'rearm', 'kills'])
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    for (const exitCode of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^  ${exitCode}  \\w`, 'm'));
    expect(tooWide(stdout)).toEqual([]);
  });

  it.each([
    ['release', ['add', 'check', 'list', 'get']],
    ['rollout', ['plan', 'start', 'list', 'get', 'why', 'wait', 'hold', 'resume', 'promote', 'rollback', 'abort']],
    ['device', ['list', 'get', 'explain', 'credentials']],
  ])('of %s lists its commands', async (noun, verbs) => {
    const { code, stdout } = await belay(noun, '--help');
    expect(code).toBe(EXIT.ok);
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  });

  it('says its version', async () => {
    const { code, stdout } = await belay('--version');
    expect([code, stdout.trim()]).toEqual([EXIT.ok, '0.1.0']);
  });
});

describe('a wrong command line ends with 2, says so on stderr, and asks nothing of the control plane', () => {
  it.each([
    { args: [], says: 'Usage: belay' },
    { args: ['stats'], says: "unknown command 'stats'" },
    { args: ['rollout', 'plam', 'f.yaml'], says: 'Did you mean plan?' },
    { args: ['status', '--colour'], says: "unknown option '--colour'" },
    { args: ['rollout', 'get'], says: "missing required argument 'id'" },
    { args: ['rollout', 'rollback', 'ro-7q2'], says: "'--reason <text>' not specified" },
    { args: ['rollout', 'hold', 'ro-7q2'], says: '(belay rollout hold --help says more)' },
    { args: ['device', 'get', 'plant-a'], says: '"plant-a" is not SITE/DEVICE, such as plant-a/cam-1' },
    { args: ['status', '--url', 'plant-a:7420'], says: '"plant-a:7420" is not an address of a control plane' },
  ])('$args', async ({ args, says }) => {
    const { code, stdout, stderr } = await belay(...args);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(server.requests).toEqual([]);
  });
});

describe('status', () => {
  it('shows the fleet on one screen of 80 columns', async () => {
    const { code, stdout, stderr } = await belay('status');
    expect([code, stderr]).toEqual([EXIT.ok, '']);
    expect(stdout).toContain('6 of 6 devices online   control plane 0.1.0, up for 90 min\n');
    expect(stdout).toContain('plant-b        3       3         1        0       0       0\n');
    expect(stdout).toContain('cv-detector:2.0.0+data=3ce470          2          0\n');
    expect(stdout).toContain('rollout ro-7q2 running: baking at first: 37 of 60 min\n');
    expect(stdout).toContain('KILL k-1 in force on the whole fleet, raised 60 s ago: misses cracks\n');
    expect(stdout).not.toContain('refused');
    expect(tooWide(stdout)).toEqual([]);
  });

  it('tells an empty fleet the next command', async () => {
    const empty = status({ devices: { total: 0, online: 0 }, sites: [], releases: [], rollouts: [] });
    server.answer({ 'GET /v1/status': { body: empty } });
    expect((await belay('status')).stdout).toContain('Next: belay device credentials SITE/DEVICE');
  });

  it('names the last message that was refused', async () => {
    const refused = { site: 'plant-a', device: 'cam-a1', channel: 'window', kind: 'malformed' };
    const last = [
      { ...refused, atMs: 2, reason: 'seq: missing' },
      { ...refused, atMs: 1, reason: 'arms: missing' },
    ];
    server.answer({ 'GET /v1/status': { body: status({ refused: { total: 3, byKind: { malformed: 3 }, last } }) } });
    expect((await belay('status')).stdout).toContain('3 messages refused. Last: plant-a/cam-a1 window: seq: missing');
  });
});

describe('output', () => {
  it('lets no word of a device or a caller steer the terminal', async () => {
    const reason = 'smoke\u001b]0;owned\u0007\u001b[2J\u202eevil\r';
    server.answer({ 'GET /v1/status': { body: status({ kills: [kill({ reason })] }) } });
    const { stdout } = await belay('status');
    expect(stdout).toContain(': smoke\ufffd]0;owned\ufffd\ufffd[2J\ufffdevil\ufffd\n');
  });

  it('is one line of JSON with --json: the very document', async () => {
    const { code, stdout, stderr } = await belay('status', '--json');
    expect([code, stderr]).toEqual([EXIT.ok, '']);
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(stdout)).toEqual(status({ kills: [kill()] }));
  });

  it('has no colour when piped, and colour when forced', async () => {
    expect((await belay('status')).stdout).not.toContain('\u001b');
    const forced = await runBelay(['status'], { url: server.url, env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain('\u001b[31mKILL k-1');
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = spawn(process.execPath, [path.resolve('control-plane/cli/belay.ts'), 'status', '--url', server.url]);
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect([code, stderr]).toEqual([EXIT.ok, '']);
  });
});

describe('a control plane that is not there', () => {
  it('is exit code 6, with the address and the next step', async () => {
    const gone = await openRecordedServer();
    await gone.close();
    const { code, stdout, stderr } = await runBelay(['status'], { url: gone.url });
    expect([code, stdout]).toEqual([EXIT.unreachable, '']);
    expect(stderr).toContain(`cannot reach the control plane at ${gone.url}`);
    expect(stderr).toContain('ECONNREFUSED');
    expect(stderr).toContain('--url or BELAY_URL');
  });

  it('is exit code 6 also when it goes away in the middle of an answer', async () => {
    server.answer({ 'GET /v1/status': { body: '{"nowMs":', cut: true } });
    const { code, stderr } = await belay('status');
    expect(code).toBe(EXIT.unreachable);
    expect(stderr).toContain('cannot reach the control plane');
  });

  it('is asked where --url says, before BELAY_URL', async () => {
    const { code } = await runBelay(['status', '--url', server.url], { url: 'http://127.0.0.1:1' });
    expect(code).toBe(EXIT.ok);
  });
});

describe('an answer that is not understood', () => {
  it.each([
    { name: 'of another version', answer: { body: { ...status(), devices: 6 } }, says: 'devices: ' },
    { name: 'that is not JSON', answer: { body: '<html>hello</html>', type: 'text/html' }, says: 'not JSON' },
    { name: 'that is empty', answer: { body: '' }, says: 'not JSON' },
  ])('$name is exit code 1, and says where', async ({ answer, says }) => {
    server.answer({ 'GET /v1/status': answer });
    const { code, stdout, stderr } = await belay('status');
    expect([code, stdout]).toEqual([EXIT.failed, '']);
    expect(stderr).toContain('answered something this CLI does not understand');
    expect(stderr).toContain(says);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('a refusal', () => {
  const mistakes = [
    { path: 'scope.site', message: 'must be 3 to 64 of a-z' },
    { path: 'reason', message: 'must say why' },
  ];

  it('is shown with every mistake and what to do next', async () => {
    server.answer({ 'GET /v1/status': problem('invalid-request', 'the body is not valid', mistakes) });
    const { code, stdout, stderr } = await belay('status');
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toBe(
      [
        'belay: the body is not valid',
        '  scope.site: must be 3 to 64 of a-z',
        '  reason: must say why',
        'Next: Correct every mistake listed in errors.',
        '',
      ].join('\n'),
    );
  });

  it('is one line of JSON on stderr with --json, the problem document inside', async () => {
    server.answer({ 'GET /v1/status': problem('invalid-request', 'the body is not valid', mistakes) });
    const { stdout, stderr } = await belay('status', '--json');
    expect(stdout).toBe('');
    const said = JSON.parse(stderr);
    expect(said).toMatchObject({
      exitCode: EXIT.usage,
      details: { type: '/problems/invalid-request', errors: mistakes },
    });
  });

  it.each([
    { status: 401, exit: EXIT.forbidden },
    { status: 403, exit: EXIT.forbidden },
    { status: 404, exit: EXIT.notFound },
    { status: 409, exit: EXIT.conflict },
    { status: 412, exit: EXIT.conflict },
    { status: 428, exit: EXIT.conflict },
    { status: 413, exit: EXIT.usage },
    { status: 422, exit: EXIT.usage },
    { status: 500, exit: EXIT.failed },
    { status: 503, exit: EXIT.failed },
  ])('with status $status is exit code $exit', ({ status: code, exit }) => {
    expect(exitCodeOfStatus(code)).toBe(exit);
  });

  it('that is no problem document still says its status', async () => {
    server.answer({ 'GET /v1/status': { status: 403, body: 'Forbidden by the proxy', type: 'text/plain' } });
    const { code, stderr } = await belay('status');
    expect([code, stderr]).toEqual([EXIT.forbidden, 'belay: the control plane answered 403 Forbidden\n']);
  });
});
