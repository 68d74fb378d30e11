// belay rollout wait --for, retry, export and promote --to; and the stream of changes, which is followed where there is one.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import { rollout } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
let folder = '';
beforeAll(async () => {
  server = await openRecordedServer();
  folder = await mkdtemp(path.join(tmpdir(), 'belay-wait-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const GET = 'GET /v1/rollouts/ro-7q2';
const belay = (...args: string[]) => runBelay(args, { url: server.url });
const running = rollout({});
const held = rollout({ state: 'holding', phase: null, status: 'held: error rate 0.9 % > 0.5 %' });
const rolledBack = rollout({ state: 'rolled_back', phase: null, status: 'rolled back: p95 +14 %' });

/** Its stages up to and with `name` are reached. */
function at(name: string, more: Partial<RolloutView> = {}): RolloutView {
  const stageIndex = running.stages.findIndex((stage) => stage.name === name);
  const stages = running.stages.map((stage, index) => {
    const status =
      index < stageIndex ? ('done' as const) : index === stageIndex ? ('current' as const) : ('pending' as const);
    return { ...stage, status };
  });
  return rollout({ stages, stageIndex, stage: name, ...more });
}

describe('belay rollout wait --for', () => {
  it.each([
    ['half', EXIT.ok, at('half')],
    ['50', EXIT.ok, at('half')],
    ['50%', EXIT.ok, at('half')],
    ['half', EXIT.held, held],
    ['half', EXIT.rolledBack, rolledBack],
    ['half', EXIT.rolledBack, at('half', { killed: 'killed by on-call' })],
  ])('stage=%s ends with %i', async (stage, code, last) => {
    server.answer({ [GET]: (_request, times) => ({ body: times === 0 ? at('first') : last }) });
    expect((await belay('rollout', 'wait', 'ro-7q2', '--for', `stage=${stage}`)).code).toBe(code);
  });

  it('ends with 7 when the time is over, and with 2 when there is no such stage', async () => {
    server.answer({ [GET]: { body: at('first') } });
    const late = await belay('rollout', 'wait', 'ro-7q2', '--for', 'stage=half', '--timeout', '0.3s');
    expect([late.code, late.stderr]).toEqual([EXIT.timeout, expect.stringContaining('still running after 0.3 s')]);
    const unknown = await belay('rollout', 'wait', 'ro-7q2', '--for', 'stage=quarter');
    expect([unknown.code, unknown.stderr]).toEqual([
      EXIT.usage,
      expect.stringContaining('has no stage "quarter"; it has shadow'),
    ]);
    expect((await belay('rollout', 'wait', 'ro-7q2', '--for', 'ever')).code).toBe(EXIT.usage);
  });
});

it('a stream of changes is followed: nothing is asked until it says that something changed', async () => {
  const batch = 'id: i.2\nevent: changes\ndata: {"changes":[]}\n\n';
  server.answer({
    'GET /v1/events*': (_request, times) =>
      times === 0
        ? { type: 'text/event-stream', body: `retry: 1000\n\n${batch}`, open: true }
        : problem('unknown-route', ''),
    [GET]: (_request, times) => ({ body: times === 0 ? running : held }),
  });
  const { code } = await belay('rollout', 'get', 'ro-7q2', '--watch', '--json');
  expect(code).toBe(EXIT.held);
  expect(server.last('GET /v1/events?topics=rollout%2Ckill')?.headers.accept).toBe('text/event-stream');
});

describe('belay rollout promote --to', () => {
  it('goes on, stage by stage, and waits for devices that settle', async () => {
    let now = at('first');
    server.answer({
      [GET]: () => ({ body: now }),
      'POST /v1/rollouts/ro-7q2/promote': (_request, times) => {
        if (times === 0) {
          now = at('half', { phase: 'settling' });
          return { body: now };
        }
        if (times === 1) return problem('conflict', 'no device reports the candidate yet');
        now = at('full');
        return { body: now };
      },
    });
    const { code, stderr } = await belay(
      'rollout',
      'promote',
      'ro-7q2',
      '--to',
      'full',
      '--override',
      '--yes',
      '--reason',
      'x',
    );
    expect(code).toBe(EXIT.ok);
    expect(stderr).toMatch(/^stage half .*\nstage full /);
  });

  it('stops at a breach, with its reason', async () => {
    server.answer({ [GET]: { body: at('first') }, 'POST /v1/rollouts/*': problem('conflict', 'a breach stands') });
    const { code, stderr } = await belay('rollout', 'promote', 'ro-7q2', '--full', '--yes', '--reason', 'x');
    expect([code, stderr]).toEqual([EXIT.conflict, expect.stringContaining('a breach stands')]);
  });
});

describe('what is left of a rollout', () => {
  it('retry starts the same file as a new rollout that cites the old one, and none that goes on', async () => {
    const old = rollout({ state: 'rolled_back', phase: null, endedAtMs: 1, fileText: 'name: detector-2\n' });
    server.answer({ [GET]: { body: old }, 'POST /v1/rollouts': { status: 201, body: rollout({ id: 'ro-7q3' }) } });
    const { code, stdout } = await belay('rollout', 'retry', 'ro-7q2', '--yes', '--reason', 'lens cleaned');
    expect([code, stdout]).toEqual([EXIT.ok, expect.stringContaining(`${server.url}/rollouts/ro-7q3`)]);
    expect(server.last('POST /v1/rollouts')?.body).toEqual({
      file: 'name: detector-2\n',
      actor: 'lead',
      reason: 'retry of ro-7q2: lens cleaned',
    });
    server.answer({ [GET]: { body: running } });
    expect((await belay('rollout', 'retry', 'ro-7q2', '--yes', '--reason', 'x')).code).toBe(EXIT.conflict);
  });

  it('export writes the report as its file is called', async () => {
    server.answer({ 'GET /v1/rollouts/ro-7q2/report?format=html': { body: '<p>report', type: 'text/html' } });
    const file = path.join(folder, 'report.html');
    expect((await belay('rollout', 'export', 'ro-7q2', '-o', file)).code).toBe(EXIT.ok);
    expect(await readFile(file, 'utf8')).toBe('<p>report');
    expect((await belay('rollout', 'export', 'ro-7q2', '-o', 'report.pdf')).code).toBe(EXIT.usage);
  });
});

it('--ascii and TERM=dumb leave no sign that a plain terminal has not', async () => {
  server.answer({ [GET]: { body: running } });
  for (const options of [
    { args: ['--ascii'], env: {} },
    { args: [], env: { TERM: 'dumb' } },
  ]) {
    const args = ['rollout', 'get', 'ro-7q2', ...options.args];
    const { stdout } = await runBelay(args, { url: server.url, env: options.env });
    expect(stdout).toMatch(/^[\n -~]+$/);
    expect(stdout).toContain('shadow 100% 30 min v - [first');
  }
});
