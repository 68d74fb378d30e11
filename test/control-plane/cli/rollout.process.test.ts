// belay rollout: plan, start, watching until the verdict, and the verbs of a person.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verdictOf } from '../../../control-plane/cli/commands/rollout-watch.ts';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import {
  rolloutActBodySchema,
  rolloutPlanSchema,
  rolloutStartBodySchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { NOW_MS, plan, rollout, summary } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { runBelay, tooWide } from './run-belay.ts';

let server: RecordedServer;
let folder = '';
let file = '';
const TEXT = 'name: detector-2\ncandidate: cv-detector:2.0.0\n';

beforeAll(async () => {
  server = await openRecordedServer();
  folder = await mkdtemp(path.join(tmpdir(), 'belay-rollout-'));
  file = path.join(folder, 'detector-2.yaml');
  await writeFile(file, TEXT);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const belay = (...args: string[]) => runBelay(args, { url: server.url });
const GET = 'GET /v1/rollouts/ro-7q2';
/** Followed where there is one; this server has none, and is polled. */
const EVENTS = '/v1/events?topics=rollout%2Ckill';

const held = rollout({ state: 'holding', phase: null, status: 'held: error rate 0.9 % > 0.5 %' });
const rolledBack = rollout({ state: 'rolled_back', phase: null, status: 'rolled back: p95 latency +14 %' });
const completed = rollout({ state: 'completed', phase: null, status: 'complete: 6 of 6 devices committed it' });

describe('verdictOf', () => {
  it.each([
    ['draft', null, null],
    ['awaiting_approval', null, null],
    ['scheduled', null, null],
    ['running', null, null],
    ['rolling_back', null, null],
    ['completed', null, EXIT.ok],
    ['rolled_back', null, EXIT.rolledBack],
    ['aborted', null, EXIT.rolledBack],
    ['holding', null, EXIT.held],
    ['holding', 'kill k-1', EXIT.rolledBack],
    ['running', 'kill k-1', EXIT.rolledBack],
    ['completed', 'kill k-1', EXIT.rolledBack],
  ] as const)('%s, killed %s: %s', (state, killed, code) => {
    expect(verdictOf({ state, killed })).toBe(code);
  });
});

describe('belay rollout plan', () => {
  const answer = (part: object) => ({ body: rolloutPlanSchema.parse({ plan: null, problems: [], ...part }) });

  it('shows who would get the candidate when, and sends the file as it is', async () => {
    server.answer({ 'POST /v1/rollouts/plan': answer({ plan: plan() }) });
    const { code, stdout, stderr } = await belay('rollout', 'plan', file);
    expect([code, stderr]).toEqual([EXIT.ok, '']);
    expect(server.last('POST /v1/rollouts/plan')?.body).toEqual({ file: TEXT });
    expect(stdout).toContain('plant-a: cam-a1; plant-b: none');
    expect(tooWide(stdout)).toEqual([]);
    const json = await belay('rollout', 'plan', file, '--json');
    expect(JSON.parse(json.stdout).plan).toEqual(plan());
  });

  it('is exit code 1 when it could not start, with the reasons among the data', async () => {
    server.answer({ 'POST /v1/rollouts/plan': answer({ plan: plan({ refusals: ['no device is eligible'] }) }) });
    const { code, stdout } = await belay('rollout', 'plan', file);
    expect(code).toBe(EXIT.failed);
    expect(stdout).toContain('cannot start: no device is eligible');
  });

  it('says what its schedule, and a cool-down, keep from happening now', async () => {
    const part = { closed: 'waits for the window mon 06:00–09:00 UTC, opens in 3h', needsOverride: ['it cools down'] };
    server.answer({ 'POST /v1/rollouts/plan': answer({ plan: plan(part) }) });
    const { code, stdout } = await belay('rollout', 'plan', file);
    expect(code).toBe(EXIT.failed);
    expect(stdout).toContain('note: it would not grow now: it waits for the window mon 06:00–09:00 UTC');
    expect(stdout).toContain('cannot start now: it cools down');
  });

  it('is exit code 2 for a file with mistakes: each at its line and column, as an editor can jump to', async () => {
    const problems = [
      { line: 3, column: 5, path: 'stages.0.percent', message: 'must be above 0' },
      { line: 9, column: 1, path: 'owners', message: 'is missing' },
    ];
    server.answer({ 'POST /v1/rollouts/plan': answer({ problems }) });
    const { code, stdout, stderr } = await belay('rollout', 'plan', file);
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toContain(
      `belay: ${file} has 2 mistakes:\n${file}:3:5 stages.0.percent: must be above 0\n${file}:9:1 `,
    );
    const json = await belay('rollout', 'plan', file, '--json');
    expect(JSON.parse(json.stderr)).toMatchObject({ exitCode: EXIT.usage, details: problems });
  });

  it('of a file that is not there asks nothing', async () => {
    server.answer({});
    const { code, stderr } = await belay('rollout', 'plan', path.join(folder, 'none.yaml'));
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain('none.yaml: ENOENT');
    expect(server.requests).toEqual([]);
  });
});

describe('belay rollout start', () => {
  it('starts it with a reason, and says how to watch it', async () => {
    server.answer({ 'POST /v1/rollouts': { status: 201, body: rollout() } });
    const { code, stdout } = await belay('rollout', 'start', file, '--yes', '--reason', 'monthly retraining');
    expect(code).toBe(EXIT.ok);
    const body = server.last('POST /v1/rollouts')?.body;
    expect(body).toEqual({ file: TEXT, actor: 'lead', reason: 'monthly retraining' });
    expect(rolloutStartBodySchema.safeParse(body).success).toBe(true);
    expect(stdout).toContain(`Page      ${server.url}/rollouts/ro-7q2\nWatch it  belay rollout get ro-7q2 --watch`);
    expect(tooWide(stdout)).toEqual([]);
  });

  it('with --watch stays until the verdict', async () => {
    server.answer({ 'POST /v1/rollouts': { body: rollout() }, [GET]: { body: rolledBack } });
    const { code, stdout } = await belay('rollout', 'start', file, '--yes', '--watch');
    expect([code, stdout]).toEqual([EXIT.rolledBack, 'rolled_back first  rolled back: p95 latency +14 %\n']);
  });

  it('goes over a cool-down with --override, and asks for a reason then', async () => {
    server.answer({ 'POST /v1/rollouts': { status: 201, body: rollout() } });
    const silent = await belay('rollout', 'start', file, '--yes', '--override');
    expect([silent.code, server.requests]).toEqual([EXIT.usage, []]);
    expect(silent.stderr).toContain('--override needs a --reason');
    expect((await belay('rollout', 'start', file, '--yes', '--override', '--reason', 'hot fix')).code).toBe(EXIT.ok);
    expect(server.last('POST /v1/rollouts')?.body).toMatchObject({ reason: 'hot fix', override: true });
  });

  it('is exit code 5 where another rollout is in the way', async () => {
    server.answer({ 'POST /v1/rollouts': problem('conflict', 'ro-7q1 moves the same devices') });
    expect((await belay('rollout', 'start', file, '--yes')).code).toBe(EXIT.conflict);
  });
});

describe('belay rollout list and get', () => {
  it('list shows where each one stands; one that is killed says so', async () => {
    const rollouts = [summary({ killed: 'kill k-1' }), summary({ id: 'ro-7q1', state: 'completed', stageIndex: 3 })];
    server.answer({ 'GET /v1/rollouts': { body: { rollouts } } });
    const { stdout } = await belay('rollout', 'list');
    expect(stdout).toMatch(/^ro-7q2 {2}detector-2 {2}cv-detector:2\.0\.0 {2}killed {5}first \(2\/4\) /m);
    expect(stdout).toMatch(/^ro-7q1 {2}detector-2 {2}cv-detector:2\.0\.0 {2}completed {2}first \(4\/4\) /m);
    server.answer({ 'GET /v1/rollouts?limit=1': { body: { rollouts: rollouts.slice(0, 1), nextCursor: 'abc' } } });
    const first = await belay('rollout', 'list', '--limit', '1');
    expect(first.stderr).toContain('There are more');
    expect(server.requests.at(-1)?.path).toBe('/v1/rollouts?limit=1');
    expect((await belay('rollout', 'list', '--limit', '0')).code).toBe(EXIT.usage);
    server.answer({ 'GET /v1/rollouts': { body: { rollouts: [] } } });
    expect((await belay('rollout', 'list')).stdout).toBe('No rollouts yet. Next: belay rollout plan FILE\n');
  });

  it('get shows one screen, or the whole document as JSON', async () => {
    server.answer({ [GET]: { body: rollout() } });
    const text = await belay('rollout', 'get', 'ro-7q2');
    expect([text.code, text.stderr]).toEqual([EXIT.ok, '']);
    expect(text.stdout).toMatch(/^Status {4}RUNNING first, baking/m);
    expect(JSON.parse((await belay('rollout', 'get', 'ro-7q2', '--json')).stdout)).toEqual(rollout());
  });

  it('get of a held rollout is still exit code 0: showing it went well', async () => {
    server.answer({ [GET]: { body: held } });
    expect((await belay('rollout', 'get', 'ro-7q2')).code).toBe(EXIT.ok);
  });

  it('get of an unknown one is exit code 3', async () => {
    server.answer({ 'GET /v1/rollouts/*': problem('not-found', 'no rollout "ro/x"') });
    expect((await belay('rollout', 'get', 'ro/x')).code).toBe(EXIT.notFound);
    expect(server.requests.at(-1)?.path).toBe('/v1/rollouts/ro%2Fx');
  });

  it('why tells the reason, the numbers, and what a person can do', async () => {
    const body = rolloutWhySchema.parse({
      id: 'ro-7q2',
      atMs: NOW_MS,
      summary: 'held at first',
      sentences: ['p95 latency might still be 11 % slower (limit 10 %)'],
      whatYouCanDo: ['wait', 'belay rollout rollback ro-7q2 --reason "…"'],
    });
    server.answer({ [`${GET}/why`]: { body } });
    expect((await belay('rollout', 'why', 'ro-7q2')).stdout).toBe(
      [
        'held at first',
        '  p95 latency might still be 11 % slower (limit 10 %)',
        '  → wait',
        '  → belay rollout rollback ro-7q2 --reason "…"',
        '',
      ].join('\n'),
    );
  });
});

describe('belay rollout get --watch', () => {
  it.each([
    { ends: 'completed', last: completed, code: EXIT.ok },
    { ends: 'held', last: held, code: EXIT.held },
    { ends: 'rolled back', last: rolledBack, code: EXIT.rolledBack },
  ])('prints one line per change when piped, and ends with the verdict: $ends', async ({ last, code }) => {
    const baking = rollout();
    const moved = rollout({ nowMs: NOW_MS + 1000 });
    server.answer({ [GET]: (_request, times) => ({ body: [baking, moved][times] ?? last }) });
    const watched = await belay('rollout', 'get', 'ro-7q2', '--watch');
    expect(watched.code).toBe(code);
    expect(watched.stderr).toBe('');
    expect(watched.stdout).toBe(
      `running first baking  baking at first: 37 of 60 min\n${last.state} first  ${last.status}\n`,
    );
    expect(server.requests.filter(({ path: asked }) => asked !== EVENTS)).toHaveLength(3);
  });

  it('prints one document per change with --json', async () => {
    server.answer({ [GET]: (_request, times) => ({ body: times === 0 ? rollout() : completed }) });
    const { code, stdout } = await belay('rollout', 'get', 'ro-7q2', '--watch', '--json');
    expect(code).toBe(EXIT.ok);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(['running', 'completed']);
  });

  it('waits out a control plane that restarts', async () => {
    server.answer({
      [GET]: (_request, times) => {
        if (times === 0) return { body: rollout() };
        return times === 1 ? { body: '{', cut: true } : { body: completed };
      },
    });
    const { code, stderr } = await belay('rollout', 'get', 'ro-7q2', '--watch');
    expect([code, stderr]).toEqual([EXIT.ok, 'the control plane does not answer; trying again\n']);
  });

  it('ends at once with 6 where there is none to begin with', async () => {
    const gone = await openRecordedServer();
    await gone.close();
    expect((await runBelay(['rollout', 'get', 'ro-7q2', '--watch'], { url: gone.url })).code).toBe(EXIT.unreachable);
  });
});

describe('belay rollout wait', () => {
  it('says nothing until the end, then where it stands', async () => {
    server.answer({ [GET]: (_request, times) => ({ body: times === 0 ? rollout() : held }) });
    const { code, stdout, stderr } = await belay('rollout', 'wait', 'ro-7q2', '--timeout', '10');
    expect([code, stdout, stderr]).toEqual([EXIT.held, 'held: error rate 0.9 % > 0.5 %\n', '']);
  });

  it('gives up with 7, and says where it stands', async () => {
    server.answer({ [GET]: { body: rollout() } });
    const { code, stdout, stderr } = await belay('rollout', 'wait', 'ro-7q2', '--timeout', '0.2');
    expect([code, stdout]).toEqual([EXIT.timeout, '']);
    expect(stderr).toBe('belay: ro-7q2 is still running after 0.2 s: baking at first: 37 of 60 min\n');
  });

  it('refuses a timeout that is no time', async () => {
    const { code, stderr } = await belay('rollout', 'wait', 'ro-7q2', '--timeout', 'soon');
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain('--timeout soon: give a number of seconds above 0, or such as 30m or 2h');
  });
});

describe('the verbs of a person', () => {
  it.each([
    { verb: 'hold', flags: [], body: {} },
    { verb: 'resume', flags: ['--yes'], body: {} },
    { verb: 'promote', flags: ['--override', '-y'], body: { override: true } },
    { verb: 'rollback', flags: [], body: {} },
    { verb: 'abort', flags: ['--keep', '--yes'], body: { keep: true } },
  ])('$verb sends reason and actor, and shows what became of it', async ({ verb, flags, body }) => {
    server.answer({ [`POST /v1/rollouts/ro-7q2/${verb}`]: { body: held } });
    const { code, stdout } = await belay('rollout', verb, 'ro-7q2', '--reason', 'line 4 is cleaned', ...flags);
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(/^Status {4}HOLDING {2}held: error rate/m);
    const sent = server.last(`POST /v1/rollouts/ro-7q2/${verb}`)?.body;
    expect(sent).toEqual({ actor: 'lead', reason: 'line 4 is cleaned', ...body });
    expect(rolloutActBodySchema.safeParse(sent).success).toBe(true);
  });

  it('approve names the plan that is there, and shows who has approved', async () => {
    const approvals = {
      stage: 'first',
      needed: 2,
      given: [{ actor: 'qa-lead', reason: 'looked at the report', atMs: NOW_MS }],
      approvers: ['plant-mgr'],
    };
    const waiting = rollout({ state: 'awaiting_approval', phase: null, approvals });
    server.answer({ [GET]: { body: waiting }, 'POST /v1/rollouts/ro-7q2/approve': { body: waiting } });
    const { code, stdout } = await belay('rollout', 'approve', 'ro-7q2', '--yes', '--reason', 'looked at it');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(/^Approvals 1 of 2 {3}qa-lead: looked at the report {3}may approve: plant-mgr$/m);
    const sent = server.last('POST /v1/rollouts/ro-7q2/approve')?.body;
    expect(sent).toEqual({ actor: 'lead', reason: 'looked at it', planHash: waiting.planHash });
    expect(rolloutActBodySchema.safeParse(sent).success).toBe(true);
  });

  it('that the state does not allow are exit code 5, with the reason', async () => {
    server.answer({ 'POST /v1/rollouts/*': problem('conflict', 'a breach stands: p95 latency +14 %') });
    const { code, stdout, stderr } = await belay(
      'rollout',
      'promote',
      'ro-7q2',
      '--yes',
      '--reason',
      'x',
      '--override',
    );
    expect([code, stdout]).toEqual([EXIT.conflict, '']);
    expect(stderr).toContain('belay: a breach stands: p95 latency +14 %\nNext: Look at it again');
  });

  it('do not take the flags of another', async () => {
    const { code, stderr } = await belay('rollout', 'rollback', 'ro-7q2', '--reason', 'x', '--keep');
    expect([code, stderr.split('\n')[0]]).toEqual([EXIT.usage, "error: unknown option '--keep'"]);
  });
});
