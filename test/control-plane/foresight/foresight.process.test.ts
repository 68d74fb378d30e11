// Looking ahead over the real API with a real database and the real study process: plan, guardrail test, rehearsal.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Foresight, type ForesightParts, openForesight } from '../../../control-plane/foresight/foresight.ts';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { registerForesightRoutes } from '../../../control-plane/http/routes/foresight.ts';
import { registerRolloutRoutes } from '../../../control-plane/http/routes/rollouts.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';
import { guardrailTestSchema, rehearsalSchema } from '../../../shared/protocol/api-foresight.ts';
import { rolloutPlanSchema, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { NEW, openSimFleet, type SimFleet } from '../rollouts/sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: ahead}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages:
    - {name: first, percent: 25, bake: 20m, extend: 1x20m}
    - {name: half, percent: 50, bake: 20m}
    - {name: full, percent: 100, bake: 20m}
  guardrails:
    - {id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}
    - {id: crashes, events: [crash], enforce: rollback}
`;

let fleet: SimFleet;
let app: HttpApp;
let foresight: Foresight;
let parts: ForesightParts;

beforeAll(async () => {
  fleet = await openSimFleet({ perSite: 8, sites: ['plant-a', 'plant-b'] });
  await fleet.run(75);
  const registry = {
    resolve: (text: string) =>
      text.startsWith('cv-detector:2.0.0') ? ({ kind: 'found', ref: NEW } as const) : ({ kind: 'unknown' } as const),
  };
  parts = {
    database: fleet.database,
    rollouts: fleet.rollouts,
    registry,
    devices: fleet.rooms.devices,
    wallNow: () => fleet.nowMs,
    log: pino({ level: 'silent' }),
  };
  foresight = openForesight(parts);
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  registerRolloutRoutes(app, { rollouts: fleet.rollouts, foresight });
  registerForesightRoutes(app, { foresight });
});

afterAll(async () => {
  await foresight?.close();
  await app?.close();
  await fleet?.close();
});

async function call(method: 'GET' | 'POST', url: string, payload?: object) {
  const response = await app.inject({ method, url, ...(payload ? { payload } : {}) });
  return { status: response.statusCode, body: response.json() as Record<string, unknown> };
}

async function planOf(file: string, more: object = {}) {
  const { body } = await call('POST', '/v1/rollouts/plan', { file, ...more });
  const answer = rolloutPlanSchema.parse(body);
  expect(answer.outlookMissing).toBeNull();
  if (answer.outlook === null || answer.plan === null) throw new Error('no outlook');
  return { plan: answer.plan, outlook: answer.outlook };
}

async function rehearse(body: object) {
  const begun = await call('POST', '/v1/rehearsals', body);
  expect(begun.status).toBe(202);
  const { id } = rehearsalSchema.parse(begun.body);
  const look = async () => rehearsalSchema.parse((await call('GET', `/v1/rehearsals/${id}`)).body);
  await expect.poll(async () => (await look()).state, { timeout: 50_000, interval: 100 }).not.toBe('running');
  return look();
}

describe('the outlook of a plan', () => {
  it('says what every stage can see, on the windows of its own devices', async () => {
    const { outlook } = await planOf(FILE);
    expect(outlook.recorded.devices).toBe(16);
    expect(outlook.recorded.windows).toBeGreaterThan(16 * 60);
    const p95 = outlook.stages.map(({ visible }) => visible.find(({ guardrail }) => guardrail === 'p95'));
    expect(p95.map((each) => each?.basis)).toEqual(['recorded', 'recorded', expect.anything()]);
    const [first, half] = p95.map((each) => each?.value ?? 0);
    // Never less than its limit; and more devices see more.
    expect(half).toBeGreaterThan(20);
    expect(half).toBeLessThan(60);
    expect(first).toBeGreaterThan(20);
    const crashes = outlook.stages[0]?.visible.find(({ guardrail }) => guardrail === 'crashes');
    expect(crashes?.text).toMatch(/^\d+ incidents?$/);
  });

  it('runs the guardrails dry: the baseline is no regression of itself', async () => {
    const { outlook } = await planOf(FILE);
    const first = outlook.stages[0]?.dryRun;
    expect(first?.verdicts).toMatchObject([
      { guardrail: 'p95', verdict: 'pass', broken: 0 },
      { guardrail: 'crashes', verdict: 'pass', broken: 0 },
    ]);
    expect(first?.verdicts[0]?.moments).toBeGreaterThan(3);
  });

  it('says when it may be done, and what is in the way', async () => {
    const { outlook } = await planOf(FILE);
    const settleMs = 3 * 60_000;
    expect(outlook.finish.soonestAtMs).toBe(fleet.nowMs + 3 * (20 * 60_000 + settleMs));
    expect(outlook.finish.latestAtMs).toBe(fleet.nowMs + 3 * (20 * 60_000 + settleMs) + 20 * 60_000);
    expect(outlook.conflicts).toEqual([]);
  });

  it('names a salt with cohorts that are more alike, and the plan of a file with that salt is the better one', async () => {
    const { plan, outlook } = await planOf(FILE, { reseed: true });
    const { reseed } = outlook;
    if (reseed === null) throw new Error('no better salt among 40');
    expect(reseed.after).toBeLessThan(reseed.before);
    const salted = FILE.replace('  stages:', `  cohort: {salt: "fixed:${reseed.salt}"}\n  stages:`);
    const better = await planOf(salted);
    expect(better.plan.stages[0]?.sites).not.toEqual(plan.stages[0]?.sites);
    const worst = better.outlook.parity[0]?.rows.map(({ difference }) => Math.abs(difference ?? 0)) ?? [];
    expect(Math.max(...worst)).toBeCloseTo(reseed.after, 2);
  });
});

describe('POST /v1/guardrails/test', () => {
  it('judges the baseline against itself, stretch by stretch', async () => {
    const { status, body } = await call('POST', '/v1/guardrails/test', { file: FILE });
    expect(status).toBe(200);
    const test = guardrailTestSchema.parse(body);
    expect(test.against).toBe('baseline');
    expect(test.trials.length).toBeGreaterThanOrEqual(3);
    expect(test.guardrails[0]).toMatchObject({ guardrail: 'p95', broken: 0, trials: test.trials.length });
  });

  it('refuses what it cannot judge, in problem documents', async () => {
    const unknown = await call('POST', '/v1/guardrails/test', { file: FILE, candidate: 'nobody:1.0.0' });
    expect(unknown).toMatchObject({ status: 409, body: { detail: expect.stringContaining('not registered') } });
    const backwards = await call('POST', '/v1/guardrails/test', { file: FILE, fromMs: 2000, toMs: 1000 });
    expect(backwards).toMatchObject({ status: 409 });
    expect(await call('POST', '/v1/guardrails/test', { file: 'kind: x' })).toMatchObject({ status: 400 });
  });
});

describe('/v1/rehearsals', () => {
  it('counts false alarms on recorded windows; the same seed draws the same runs', async () => {
    const first = await rehearse({ file: FILE, runs: 6, seed: 7 });
    expect(first).toMatchObject({ state: 'done', done: 6, result: { basis: 'recorded', runs: 6, allowedPct: 5 } });
    expect(first.result?.guardrails[0]).toMatchObject({ guardrail: 'p95', runs: 6, falseAlarms: 0, ratePct: 0 });
    const sees = first.result?.guardrails[0]?.visible.find(({ stage }) => stage === 'half');
    expect(sees?.value).toBeGreaterThan(20);
    const again = await rehearse({ file: FILE, runs: 6, seed: 7 });
    expect(again.result).toEqual(first.result);
    const afterRestart = openForesight(parts);
    expect(await afterRestart.rehearsal(first.id)).toEqual(first);
    await afterRestart.close();
  });

  it('falls back to simulated windows of the same devices where none are recorded, and says so', async () => {
    const monthsLater = openForesight({ ...parts, wallNow: () => fleet.nowMs + 90 * 86_400_000 });
    const begun = await monthsLater.rehearse({ file: FILE, runs: 2, seed: 7 });
    if (begun.kind !== 'begun') throw new Error(JSON.stringify(begun));
    const look = () => monthsLater.rehearsal(begun.rehearsal.id);
    await expect.poll(async () => (await look())?.state, { timeout: 50_000, interval: 100 }).not.toBe('running');
    const done = await look();
    expect(done).toMatchObject({ state: 'done', result: { basis: 'assumed', runs: 2 } });
    expect(done?.result?.notes[0]).toMatch(
      /^no windows are recorded: on simulated windows of 16 devices, not on yours/,
    );
    expect(done?.result?.guardrails[0]).toMatchObject({ guardrail: 'p95', runs: 2, falseAlarms: 0 });
    await monthsLater.close();
  });

  it('is stopped by a person, and knows no other', async () => {
    const begun = rehearsalSchema.parse((await call('POST', '/v1/rehearsals', { file: FILE, runs: 1000 })).body);
    const afterRestart = openForesight(parts);
    expect(await afterRestart.rehearsal(begun.id)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('start it again'),
    });
    await afterRestart.close();
    const second = await call('POST', '/v1/rehearsals', { file: FILE });
    expect(second).toMatchObject({ status: 409, body: { detail: expect.stringContaining(begun.id) } });
    const stopped = rehearsalSchema.parse((await call('POST', `/v1/rehearsals/${begun.id}/stop`, {})).body);
    expect(stopped).toMatchObject({ state: 'stopped', result: null });
    expect(await call('GET', '/v1/rehearsals/nobody')).toMatchObject({ status: 404 });
  });
});

describe('a candidate that really ran', () => {
  it('is found broken where it was slow, with the time and the sentence, and the conflict with its rollout is named', async () => {
    const fromMs = fleet.nowMs;
    const file = FILE.replaceAll('20m', '30m');
    const started = await call('POST', '/v1/rollouts', { file, actor: 'engineer', reason: 'try' });
    const { id } = rolloutViewSchema.parse(started.body);
    fleet.behaviour = { latencyFactor: 2 };
    await fleet.run(12);
    const { body } = await call('POST', '/v1/guardrails/test', { file, candidate: 'cv-detector:2.0.0', fromMs });
    const test = guardrailTestSchema.parse(body);
    expect(test).toMatchObject({ against: 'candidate', trials: [{ stage: 'first', candidates: 4 }] });
    const p95 = test.guardrails.find(({ guardrail }) => guardrail === 'p95');
    expect(p95).toMatchObject({ verdict: 'breach', broken: 1 });
    expect(p95?.episodes[0]).toMatchObject({ verdict: 'breach', action: 'rollback' });
    expect(p95?.episodes[0]?.fromMs).toBeGreaterThan(fromMs);
    expect(p95?.episodes[0]?.sentence).toMatch(/p95 latency .*\+/);
    const { outlook } = await planOf(file, { reseed: true });
    expect(outlook.conflicts).toMatchObject([{ kind: 'rollout', blocks: true, text: expect.stringContaining(id) }]);
    expect(outlook.reseed).toBeNull();
    expect(outlook.notes.join('\n')).toContain('its cohorts are fixed');
  });
});
