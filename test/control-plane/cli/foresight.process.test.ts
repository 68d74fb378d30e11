// belay guardrail test, rollout rehearse and the outlook of a plan: what is asked, what is printed, and honest exit codes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { guardrailTestSchema, rehearsalSchema } from '../../../shared/protocol/api-foresight.ts';
import { rolloutPlanSchema } from '../../../shared/protocol/api-rollouts.ts';
import { NOW_MS, plan } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
let folder = '';
let file = '';

beforeAll(async () => {
  server = await openRecordedServer();
  folder = await mkdtemp(path.join(tmpdir(), 'belay-foresight-'));
  file = path.join(folder, 'detector-2.yaml');
  await writeFile(file, 'name: detector-2\n');
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const belay = (...args: string[]) => runBelay(args, { url: server.url });

const p95 = { guardrail: 'p95', title: 'p95 latency', limitText: '≤ +10 %', enforce: 'rollback' } as const;
const SENTENCE = 'p95 latency +31 % (+22 … +40 %), limit ≤ +10 %';

function tested(part: object, more: object = {}) {
  const tally = { ...p95, verdict: 'pass', sentence: 'p95 latency +1 %', trials: 1, passed: 1, broken: 0, held: 0 };
  const trial = { stage: 'first', startAtMs: NOW_MS - 3_600_000, endAtMs: NOW_MS, candidates: 2, controls: 6 };
  return {
    body: guardrailTestSchema.parse({
      fromMs: NOW_MS - 86_400_000,
      toMs: NOW_MS,
      against: 'candidate',
      candidate: 'cv-detector:1.9.0',
      windows: 480,
      trials: [trial],
      guardrails: [{ ...tally, episodes: [], ...part }],
      notes: [],
      ...more,
    }),
  };
}

const breach = (action: string) => ({
  verdict: 'breach',
  passed: 0,
  broken: 1,
  episodes: [{ fromMs: NOW_MS - 60_000, toMs: NOW_MS, verdict: 'breach', action, sentence: SENTENCE }],
});

describe('belay guardrail test', () => {
  const TEST = ['guardrail', 'test'] as const;

  it('asks for the time and the release, and tells when it would have acted, with the sentence', async () => {
    server.answer({ 'POST /v1/guardrails/test': tested(breach('rollback')) });
    const times = ['--from', '2026-03-01T06:00Z', '--to', '2026-03-01T18:00Z'];
    const { code, stdout, stderr } = await belay(...TEST, file, ...times, '--candidate', 'cv-detector:1.9.0');
    expect([code, stderr]).toEqual([EXIT.rolledBack, '']);
    expect(stdout).toContain(`${SENTENCE} → rollback`);
    expect(server.last('POST /v1/guardrails/test')?.body).toEqual({
      file: 'name: detector-2\n',
      fromMs: Date.UTC(2026, 2, 1, 6),
      toMs: Date.UTC(2026, 2, 1, 18),
      candidate: 'cv-detector:1.9.0',
    });
  });

  it.each([
    ['nothing broken', tested({}), EXIT.ok],
    ['held', tested(breach('hold')), EXIT.held],
    ['only observed', tested({ ...breach('none'), enforce: 'observe' }), EXIT.ok],
    ['a false alarm', tested(breach('rollback'), { against: 'baseline', candidate: null }), EXIT.failed],
    ['nothing judged', tested({ trials: 0, passed: 0 }, { trials: [], notes: ['nothing to judge'] }), EXIT.failed],
  ])('%s has its exit code', async (_name, answer, expected) => {
    server.answer({ 'POST /v1/guardrails/test': answer });
    expect((await belay(...TEST, file)).code).toBe(expected);
  });

  it('refuses a time that is none', async () => {
    const { code, stderr } = await belay(...TEST, file, '--from', 'tea');
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringContaining('--from tea')]);
  });
});

describe('belay rollout rehearse', () => {
  const rehearsal = (part: object) => ({
    body: rehearsalSchema.parse({
      id: 'rehearsal-1',
      state: 'running',
      startedAtMs: NOW_MS,
      done: 0,
      runs: 40,
      reason: null,
      result: null,
      ...part,
    }),
  });
  const result = (part: object) => ({
    basis: 'recorded',
    runs: 40,
    seed: 3,
    allowedPct: 5,
    guardrails: [
      {
        ...p95,
        runs: 40,
        falseAlarms: 0,
        ratePct: 0,
        lowPct: 0,
        highPct: 6.3,
        passed: 79,
        looks: 80,
        visible: [{ stage: 'first', value: 26, text: '+26 %' }],
        example: null,
        ...part,
      },
    ],
    notes: ['on 24.0 h of recorded windows'],
  });
  const answers = (part: object) => ({
    'POST /v1/rehearsals': { ...rehearsal({}), status: 202 },
    'GET /v1/rehearsals/rehearsal-1': rehearsal({ state: 'done', done: 40, result: result(part) }),
  });

  it('prints the rate of false alarms with its range, and what each stage sees', async () => {
    server.answer(answers({}));
    const { code, stdout, stderr } = await belay('rollout', 'rehearse', file, '--aa', '--runs', '40', '--seed', '3');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain('0 of 40');
    expect(stdout).toContain('0 % (0 … 6.3 %)');
    expect(stdout).toContain('+26 %');
    expect(stderr).toContain('0 of 40 runs');
    expect(server.last('POST /v1/rehearsals')?.body).toEqual({ file: 'name: detector-2\n', runs: 40, seed: 3 });
  });

  it('fails when a guardrail is wrong more often than is allowed, beyond chance', async () => {
    server.answer(answers({ falseAlarms: 9, ratePct: 22.5, lowPct: 13.6, highPct: 34.8, example: SENTENCE }));
    const { code, stdout } = await belay('rollout', 'rehearse', file, '--aa');
    expect([code, stdout]).toEqual([EXIT.failed, expect.stringContaining(`false alarm: ${SENTENCE}`)]);
  });

  it('says what went wrong, and what must be said', async () => {
    server.answer({ 'POST /v1/rehearsals': problem('conflict', 'rehearsal-0 is running') });
    expect((await belay('rollout', 'rehearse', file, '--aa')).code).toBe(EXIT.conflict);
    expect((await belay('rollout', 'rehearse', file)).code).toBe(EXIT.usage);
    expect((await belay('rollout', 'rehearse', file, '--aa', '--runs', 'many')).code).toBe(EXIT.usage);
  });
});

describe('belay rollout plan', () => {
  it('prints what can be told ahead', async () => {
    const visible = { guardrail: 'p95', value: 26, text: '+26 %', basis: 'assumed' };
    const stage = { stage: 'first', mode: 'serve', candidates: 1, controls: 3, visible: [visible], dryRun: null };
    const row = { trait: 'firmware', candidates: 'R36 100 %', controls: 'R36 33 %', difference: 2, isFar: true };
    const finish = { stage: 'first', startsAtMs: NOW_MS, endsAtMs: NOW_MS, waits: null, needsPerson: true };
    const outlook = {
      recorded: { windows: 0, devices: 0, fromMs: null, toMs: null },
      parity: [{ stage: 'first', candidates: 1, controls: 3, rows: [row] }],
      stages: [stage],
      finish: {
        stages: [finish],
        soonestAtMs: Date.UTC(2026, 2, 1, 6),
        latestAtMs: null,
        zones: { a: 'Europe/Berlin' },
      },
      conflicts: [{ kind: 'rollout', text: 'rollout r-1 has plant-a/cam-a1: end it first', blocks: true }],
      reseed: { salt: 'detector-2-r7', tried: 40, before: 2, after: 0.2 },
      notes: [],
    };
    server.answer({
      'POST /v1/rollouts/plan': { body: rolloutPlanSchema.parse({ plan: plan(), problems: [], outlook }) },
    });
    const { code, stdout } = await belay('rollout', 'plan', file, '--reseed');
    expect(code).toBe(EXIT.ok);
    expect(server.last('POST /v1/rollouts/plan')?.body).toMatchObject({ reseed: true });
    expect(stdout).toContain(
      'Finish    2026-03-01 07:00 Europe/Berlin at the soonest and whatever people take for first',
    );
    expect(stdout).toContain('≈ +26 %');
    expect(stdout).toMatch(/firmware .*! 2\.00/);
    expect(stdout).toContain('conflict: rollout r-1');
    expect(stdout).toContain('cohort: {salt: "fixed:detector-2-r7"}');
    expect(stdout).toContain('Dry run   none: no windows are recorded');
  });
});
