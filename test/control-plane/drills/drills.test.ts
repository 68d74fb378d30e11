// Drills over HTTP: on the simulated fleet, and on a device that does what an agent would. What a drill makes can be used for
// nothing else, and a rollout file that requires a drill is refused until there is one.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Drill } from '../../../shared/protocol/api-drills.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

const stricter = (manifest: Record<string, unknown>) => void Object.assign(manifest, { changelog: 'Stricter.' });
const WAIT = { timeout: 20_000, interval: 50 };

let bench: PlaneBench;
beforeEach(async () => {
  bench = await openPlaneBench({ tickMs: 50 });
});
afterEach(() => bench.close());

const simulated = { failure: 'crash', actor: 'on-call', reason: 'game day', simulated: { devices: 8, seed: 2 } };

async function drillOf(id: string): Promise<Drill> {
  return (await bench.get(`/v1/drills/${id}`)).body as unknown as Drill;
}

const ended = async (id: string) => {
  await expect.poll(async () => (await drillOf(id)).state, WAIT).not.toBe('running');
  return drillOf(id);
};

/** A rollout of this release that requires these gates. */
const fileOf = (candidate: string, requires: readonly string[] = []) =>
  JSON.stringify({
    apiVersion: 'belay/v1',
    kind: 'Rollout',
    metadata: { name: 'ordinary' },
    spec: {
      candidate,
      owners: { primary: 'vision-team', backup: 'on-call' },
      requires,
      stages: [{ name: 'full', percent: 100, bake: '10m' }],
      guardrails: [{ id: 'p95', expr: 'p95(latency_ms) <= baseline * 1.2', enforce: 'rollback' }],
    },
  });

const start = (candidate: string, requires: readonly string[] = [], more = {}) =>
  bench.post('/v1/rollouts', { file: fileOf(candidate, requires), actor: 'engineer', reason: 'better', ...more });

describe('a simulated drill', () => {
  it('is measured, kept over a restart, and stands in the audit', async () => {
    const { status, body } = await bench.post('/v1/drills', simulated);
    expect([status, body.id, body.mode]).toEqual([201, 'drill-1', 'simulated']);
    const drill = await ended('drill-1');
    expect(drill).toMatchObject({ state: 'passed', scope: '8 simulated devices, seed 2', rolloutId: null });
    expect(drill.result).toMatchObject({ passed: true, stragglers: [] });
    await bench.restart();
    expect(await drillOf('drill-1')).toEqual(drill);
    expect((await bench.get('/v1/drills')).body.drills).toEqual([drill]);
    const actions = ((await bench.get('/v1/audit')).body.rows as { action: string; subject: string }[])
      .filter(({ subject }) => subject === 'drill/drill-1')
      .map(({ action }) => action);
    expect(actions.toSorted()).toEqual(['drill-ended', 'drill-started']);
  });

  it('is one at a time, and one that a restart cut off has failed', async () => {
    await bench.post('/v1/drills', { ...simulated, failure: 'slow', simulated: { devices: 2000, seed: 1 } });
    const second = await bench.post('/v1/drills', simulated);
    expect([second.status, second.body.detail]).toEqual([409, expect.stringContaining('one at a time')]);
    await bench.restart();
    const result = { passed: false, sentence: expect.stringContaining('the control plane was restarted meanwhile') };
    expect(await ended('drill-1')).toMatchObject({ state: 'failed', result });
  });

  it('refuses what makes no sense', async () => {
    const wrong = [
      { ...simulated, simulated: undefined },
      { ...simulated, agents: { site: 'plant-a', devices: ['cam-1'] } },
      { ...simulated, file: 'kind: Rollout' },
      { ...simulated, failure: 'bored' },
    ];
    for (const body of wrong) expect((await bench.post('/v1/drills', body)).status).toBe(400);
    expect((await bench.get('/v1/drills/drill-7')).status).toBe(404);
  });
});

describe('a rollout that requires a drill', () => {
  it('is refused until one has passed; --override starts it with a record', async () => {
    const baseline = await bench.register(tinyPackage());
    const candidate = await bench.register(tinyPackage({ version: '1.0.1', change: stricter }));
    await present('cam-01', baseline);
    const refused = await start(candidate.release, ['drill.passed', 'owners.assigned']);
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      expect.stringMatching(/requires drill.passed: no drill .* next: belay drill/),
    ]);
    await bench.post('/v1/drills', simulated);
    expect((await ended('drill-1')).state).toBe('passed');
    const { body } = await bench.post('/v1/rollouts/plan', { file: fileOf(candidate.release, ['drill.passed']) });
    const plan = body.plan as { needsOverride: string[]; gates: { gate: string; ok: boolean; required: boolean }[] };
    expect(plan.needsOverride).toEqual([]);
    expect(plan.gates.find(({ gate }) => gate === 'drill.passed')).toMatchObject({ ok: true, required: true });
    const lacking = await start(candidate.release, ['runbook.url']);
    expect(lacking.status).toBe(409);
    const forced = await start(candidate.release, ['runbook.url'], { override: true, reason: 'the wiki is down' });
    expect(forced.status, JSON.stringify(forced.body)).toBe(201);
    const rows = (await bench.get('/v1/audit')).body.rows as { action: string; reason: string; details: unknown }[];
    expect(rows.find(({ action }) => action === 'rollout-start')).toMatchObject({
      reason: 'the wiki is down',
      details: { overridden: [expect.stringContaining('requires runbook.url')] },
    });
  });
});

type Ref = { readonly release: string; readonly digest: string };

async function present(name: string, baseline: Ref): Promise<TestDevice> {
  const device = await bench.connect('plant-a', name);
  await device.hello();
  await device.report({ serving: baseline, committed: baseline, servedFrames: 50 });
  await expect.poll(() => device.desired.length, WAIT).toBeGreaterThan(0);
  return device;
}

describe('a drill on devices', () => {
  it('hands the baseline’s own model over with a declared fault, to the chosen alone, and measures the way back', async () => {
    const baseline = await bench.register(tinyPackage());
    const chosen = await present('cam-01', baseline);
    const control = await present('cam-02', baseline);
    const agents = { site: 'plant-a', devices: ['cam-01'] };
    const { status, body } = await bench.post('/v1/drills', {
      failure: 'slow',
      actor: 'on-call',
      reason: 'game day',
      agents,
    });
    expect(status, JSON.stringify(body)).toBe(201);
    await expect.poll(() => chosen.desired.at(-1)?.candidate?.role, WAIT).toBe('serve');
    const candidate = chosen.desired.at(-1)?.candidate as Ref;
    expect(control.desired.at(-1)?.candidate).toBeNull();
    await expectUseless(candidate, String((await drillOf('drill-1')).rolloutId));
    await chosen.event(1, { kind: 'serving', reason: 'desired', ...candidate });
    await chosen.event(2, { kind: 'breach', reason: 'p95 latency 80 ms', ...candidate });
    const entry = { ...candidate, reason: 'p95 latency 80 ms', kind: 'breach', sinceMs: Date.now() };
    await chosen.report({ serving: baseline, committed: baseline, servedFrames: 9, quarantine: [entry] });
    const drill = await ended('drill-1');
    expect(drill, JSON.stringify(drill)).toMatchObject({ mode: 'agents', scope: 'plant-a: cam-01' });
    expect(drill.result).toMatchObject({
      assigned: 1,
      exposed: 1,
      stragglers: [],
      detectedBy: 'plant-a/cam-01 itself (p95 latency 80 ms)',
      backAfterMs: expect.any(Number),
    });
    // What it set aside was made to fail: it is forgotten.
    await expect
      .poll(() => chosen.desired.at(-1)?.liftQuarantine.map(({ digest }) => digest), WAIT)
      .toEqual([candidate.digest]);
  });

  it('obeys a kill first: it is told at once, and the drill goes back and ends', async () => {
    const baseline = await bench.register(tinyPackage());
    const chosen = await present('cam-01', baseline);
    const agents = { site: 'plant-a', devices: ['cam-01'] };
    await bench.post('/v1/drills', { failure: 'silent', actor: 'on-call', reason: 'game day', agents });
    await expect.poll(() => chosen.desired.at(-1)?.candidate?.role, WAIT).toBe('serve');
    const candidate = chosen.desired.at(-1)?.candidate as Ref;
    await chosen.event(1, { kind: 'serving', reason: 'desired', ...candidate });
    await chosen.report({ serving: candidate, committed: baseline, servedFrames: 9 });
    const scope = { kind: 'release', digest: candidate.digest, release: candidate.release };
    const kill = await bench.post('/v1/kills', { scope, actor: 'on-call', reason: 'enough' });
    expect(kill.status, JSON.stringify(kill.body)).toBe(201);
    await expect.poll(() => chosen.kills.length, WAIT).toBeGreaterThan(0);
    // Nobody has to ask for it: a killed drill is taken back.
    await expect.poll(() => chosen.desired.at(-1)?.candidate, WAIT).toBeNull();
    await chosen.report({ serving: baseline, committed: baseline, servedFrames: 20 });
    const drill = await ended('drill-1');
    expect(drill.result?.decidedBy, JSON.stringify(drill.result)).toMatch(/on-call|kill/);
    expect(drill.result).toMatchObject({ exposed: 1, stragglers: [], backAfterMs: expect.any(Number) });
  });

  it('says why it does not start', async () => {
    const agents = { site: 'plant-a', devices: ['cam-01'] };
    const ask = (failure: string) =>
      bench.post('/v1/drills', { failure, actor: 'on-call', reason: 'game day', agents });
    expect(await ask('slow')).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('no device cam-01') },
    });
    expect((await bench.get('/v1/drills')).body.drills).toEqual([]);
  });
});

/** Neither promoted, nor kept, nor started, nor registered by anybody else; its files are those of the baseline. */
async function expectUseless(candidate: Ref, rolloutId: string): Promise<void> {
  const words = { actor: 'engineer', reason: 'test' };
  for (const [verb, more] of [
    ['promote', { override: true }],
    ['abort', { keep: true }],
  ] as const) {
    const refused = await bench.post(`/v1/rollouts/${rolloutId}/${verb}`, { ...words, ...more });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('fails on purpose')]);
  }
  const again = await start(candidate.release, [], { override: true, isDrill: true });
  expect([again.status, again.body.detail]).toEqual([409, expect.stringContaining('only belay drill hands it')]);
  const { manifest } = (await bench.get(`/v1/releases/${candidate.digest}`)).body as {
    manifest: Record<string, unknown>;
  };
  expect(manifest).toMatchObject({ version: '0.0.1', files: tinyPackage().parsed.files, drill: { failure: 'slow' } });
  const copied = await bench.post('/v1/releases', { manifest: { ...manifest, version: '1.0.1' } });
  expect(copied.status).toBe(422);
  expect(JSON.stringify(copied.body)).toContain('only belay drill makes such a release');
}
