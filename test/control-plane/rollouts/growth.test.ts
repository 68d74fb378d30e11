// How a rollout grows, on a simulated fleet and a real database: by the calendar, with approvals, with controls held back, and
// after a rollback not too soon again.
import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutVerb } from '../../../shared/protocol/api-rollouts.ts';
import { CANDIDATE } from '../core/builders.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const HOUR_MS = 3_600_000;
const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call, approvers: [qa-lead, plant-mgr, engineer]}
  cohort: {salt: "fixed:r1"}
  stages:
    - {name: selftest, percent: 100, mode: golden, bake: 1m}
    - {name: some, percent: 25, bake: 5m, extend: 3x4m}
    - {name: full, percent: 100, bake: 5m, extend: 3x4m}
  analysis:
    settle: 1m
    minimum: {devices: 1, controls: 2, framesPerDevice: 600, minutes: 2}
    missing: {stale: 3m, maxSilent: 20%}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.5", enforce: rollback}
`;

let fleet: SimFleet;
afterEach(() => fleet.close());

const file = (from: string, to: string, text = FILE) => {
  expect(text).toContain(from);
  return text.replace(from, to);
};
const section = (text: string) => file('\n  analysis:', `\n  ${text}\n  analysis:`);
const byApproval = (approvals: number) =>
  file('extend: 3x4m}', `extend: 3x4m, promote: approval, approvals: ${approvals}}`);

async function start(text: string, more: { actor?: string; override?: boolean } = {}) {
  return fleet.rollouts.start({ file: text, actor: 'engineer', reason: 'better model', ...more });
}

async function begin(text: string, more: { actor?: string; override?: boolean } = {}): Promise<string> {
  const started = await start(text, more);
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

const view = (id: string) => fleet.view(id);

const reach = (id: string, state: string, minutesMax = 60) =>
  fleet.runUntil(async () => (await view(id)).state === state, minutesMax);
const act = (id: string, verb: RolloutVerb, actor = 'on-call', more = {}) =>
  fleet.rollouts.act(id, verb, { actor, reason: 'because', ...more });
const orders = async () => {
  const documents = await Promise.all(fleet.devices.map(({ device }) => fleet.desired(device)));
  return documents.filter((document) => document?.candidate).length;
};

/** A window of the next hours of the fleet's own day, in UTC. */
function windowFrom(fromHours: number, toHours: number): string {
  const clock = (hours: number) => new Date(fleet.nowMs + hours * HOUR_MS).toISOString().slice(11, 16);
  return `daily ${clock(fromHours)}-${clock(toHours)}`;
}

describe('a schedule', () => {
  it('lets a rollout wait for its window before the first device is told', async () => {
    fleet = await openSimFleet({ perSite: 4 });
    const text = section(`schedule: {tz: UTC, windows: ["${windowFrom(0.5, 3)}"]}`);
    expect((await fleet.rollouts.plan(text)).plan?.closed).toContain('waits for the window daily');
    const id = await begin(text);
    expect(await view(id)).toMatchObject({ phase: null, status: 'not started: waits for its window' });
    await fleet.run(5);
    expect(await view(id)).toMatchObject({ state: 'scheduled', startedBy: 'engineer', exposure: { assigned: 0 } });
    expect((await view(id)).status).toMatch(/^not started: waits for the window daily .* UTC, opens in 2[45]m/);
    expect((await view(id)).nextDecisionAtMs).toBeGreaterThan(fleet.nowMs);
    expect(await orders()).toBe(0);
    expect((await start(text)).kind).toBe('refused');
    expect(await act(id, 'hold')).toMatchObject({ kind: 'refused' });
    await reach(id, 'completed', 120);
    const { decisions, createdAtMs } = await view(id);
    const begun = decisions.find(({ rule }) => rule === 'start');
    expect(begun).toMatchObject({ kind: 'start', actor: 'belay', fromState: 'scheduled', toState: 'running' });
    expect((begun?.atMs ?? 0) - createdAtMs).toBeGreaterThanOrEqual(HOUR_MS / 2);
  }, 60_000);

  it('stops growth when the window closes, while a breach goes back at once', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await begin(section(`schedule: {tz: UTC, windows: ["${windowFrom(-1, 0.11)}"]}`));
    await fleet.run(40);
    const waiting = await view(id);
    expect(waiting).toMatchObject({ state: 'running', stage: 'some', exposure: { exposed: 2 } });
    expect(waiting.status).toContain('ready; waits for the window');
    expect((await fleet.rollouts.why(id))?.sentences.join('\n')).toContain('safety acts at any time');
    for (const override of [false, true])
      expect(await act(id, 'promote', 'on-call', { override })).toMatchObject({ kind: 'refused' });
    fleet.behaviour = { latencyFactor: 4 };
    await reach(id, 'rolled_back', 40);
    expect((await view(id)).status).toContain('p95 latency');
  }, 60_000);

  it('is ended before it begins without touching a device, and obeys a kill meanwhile', async () => {
    fleet = await openSimFleet({ perSite: 2 });
    const id = await begin(section(`schedule: {tz: UTC, windows: ["${windowFrom(0.2, 3)}"]}`));
    await fleet.kill('k-1', { kind: 'fleet' });
    await fleet.run(20);
    expect(await view(id)).toMatchObject({ state: 'scheduled', status: expect.stringContaining('k-1') });
    expect(await act(id, 'abort')).toMatchObject({ kind: 'done', state: 'aborted' });
    expect(await orders()).toBe(0);
  });

  it('is refused when the sites are never open together, or one has no time zone', async () => {
    fleet = await openSimFleet({ perSite: 2, sites: ['plant-a', 'plant-b'] });
    const zones = (b: string) =>
      section(`schedule: {tz: factory, sites: {plant-a: Europe/Berlin${b}}, windows: ["daily 09:00-15:00"]}`);
    const { plan } = await fleet.rollouts.plan(zones(', plant-b: Asia/Tokyo'));
    expect(plan?.refusals.join()).toContain('never opens for all of its sites at once');
    expect((await fleet.rollouts.plan(zones(''))).plan?.refusals.join()).toContain('no time zone for plant-b');
  });
});

describe('approvals', () => {
  it('of two others promote the stage; each is recorded, shown, and bound to the plan', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await begin(byApproval(2));
    expect(await act(id, 'approve', 'qa-lead')).toMatchObject({ kind: 'refused' });
    await reach(id, 'awaiting_approval');
    expect((await view(id)).status).toContain('0 of 2 approvals; may approve: qa-lead, plant-mgr');
    expect(await act(id, 'promote')).toMatchObject({ kind: 'refused' });
    expect(await act(id, 'promote', 'on-call', { override: true })).toMatchObject({ kind: 'refused' });
    expect(await act(id, 'approve', 'engineer')).toMatchObject({ reason: expect.stringContaining('started it') });
    expect(await act(id, 'approve', 'visitor')).toMatchObject({ reason: expect.stringContaining('not among') });
    const other = { planHash: 'f'.repeat(64) };
    expect(await act(id, 'approve', 'qa-lead', other)).toMatchObject({ reason: expect.stringContaining('plan') });
    const { planHash } = await view(id);
    expect(await act(id, 'approve', 'qa-lead', { planHash })).toMatchObject({ kind: 'done' });
    expect(await act(id, 'approve', 'qa-lead')).toMatchObject({ reason: expect.stringContaining('already') });
    expect(await view(id)).toMatchObject({
      state: 'awaiting_approval',
      approvals: { needed: 2, given: [{ actor: 'qa-lead', reason: 'because' }], approvers: ['plant-mgr'] },
    });
    expect((await fleet.rollouts.why(id))?.sentences.join('\n')).toContain('1 of 2 approvals (qa-lead: because)');
    expect(await act(id, 'approve', 'plant-mgr')).toMatchObject({ kind: 'done' });
    const grown = await view(id);
    expect(grown).toMatchObject({ stage: 'full', approvals: null });
    expect(grown.decisions.slice(0, 3).map(({ kind, actor }) => [kind, actor])).toEqual([
      ['promote', 'belay'],
      ['approve', 'plant-mgr'],
      ['approve', 'qa-lead'],
    ]);
    expect(grown.decisions[0]?.reason).toContain('approved by qa-lead, plant-mgr');
    const audited = await fleet.database
      .selectFrom('audit')
      .selectAll()
      .where('action', '=', 'rollout-approve')
      .execute();
    expect(audited.map(({ actor }) => actor)).toEqual(['qa-lead', 'plant-mgr']);
    expect(audited.every((row) => JSON.stringify(row).includes(planHash))).toBe(true);
  }, 60_000);

  it('count for nothing when the plan has changed', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await begin(byApproval(2));
    await reach(id, 'awaiting_approval');
    await act(id, 'approve', 'qa-lead');
    const row = await fleet.database
      .selectFrom('rollouts')
      .select('plan')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const plan = JSON.stringify({ ...JSON.parse(row.plan), hash: 'e'.repeat(64) });
    await fleet.database.updateTable('rollouts').set({ plan }).where('id', '=', id).execute();
    expect((await view(id)).approvals).toMatchObject({ given: [] });
    expect(await act(id, 'approve', 'plant-mgr')).toMatchObject({ kind: 'done' });
    await fleet.run(3);
    expect(await view(id)).toMatchObject({
      state: 'awaiting_approval',
      approvals: { given: [{ actor: 'plant-mgr' }] },
    });
  }, 60_000);

  it('that cannot be given are found before the start', async () => {
    fleet = await openSimFleet({ perSite: 2 });
    const started = await start(byApproval(3));
    expect(started).toMatchObject({ kind: 'refused' });
    if (started.kind === 'refused')
      expect(started.reasons.join()).toContain('needs 3 approvals of others than engineer');
    expect((await start(byApproval(3), { actor: 'vision-team' })).kind).toBe('started');
  });
});

describe('a breach', () => {
  const slow = { latencyFactor: 4 };

  it('with onBreach: freeze stops growth, keeps the cohort, keeps judging, and lifts when it is over', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await begin(section('abort: {onBreach: freeze}'));
    await fleet.runUntil(async () => (await view(id)).stage === 'some', 20);
    fleet.behaviour = slow;
    await reach(id, 'holding', 20);
    expect(await view(id)).toMatchObject({ stage: 'some', exposure: { exposed: 2 } });
    expect((await view(id)).holdReason).toMatch(/^frozen: p95 latency/);
    expect((await fleet.rollouts.why(id))?.whatYouCanDo[0]).toContain('goes on by itself when the breach is over');
    await fleet.run(3);
    expect((await view(id)).guardrails[0]?.verdict).toBe('breach');
    fleet.behaviour = {};
    await fleet.runUntil(async () => (await view(id)).state !== 'holding', 90);
    expect((await view(id)).decisions[0]).toMatchObject({ kind: 'resume', actor: 'belay' });
  }, 60_000);

  it('with onBreach: hold waits for a person', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await begin(section('abort: {onBreach: hold}'));
    await fleet.runUntil(async () => (await view(id)).stage === 'some', 20);
    fleet.behaviour = slow;
    await reach(id, 'holding', 20);
    expect((await view(id)).holdReason).toMatch(/^p95 latency/);
    expect(await act(id, 'resume')).toMatchObject({ kind: 'refused' });
  }, 60_000);
});

describe('doubt', () => {
  const doubtful = (policy: string) =>
    file(
      'framesPerDevice: 600',
      'framesPerDevice: 100000',
      section(`promotion: {inconclusive: ${policy}}\n  abort: {verify: none}`),
    );

  it('rolls back after the extensions where the file says so', async () => {
    fleet = await openSimFleet({ perSite: 4 });
    const id = await begin(doubtful('{afterExtensions: rollback}'));
    await reach(id, 'rolled_back', 60);
    const done = await view(id);
    expect(done.decisions.filter(({ kind }) => kind === 'extend')).toHaveLength(3);
    expect(done.decisions.find(({ rule }) => rule === 'evidence')?.reason).toContain('no extension is left');
  }, 60_000);

  it('holds without extending, and rolls back when nobody decides in time', async () => {
    fleet = await openSimFleet({ perSite: 4 });
    const id = await begin(doubtful('{then: hold, timeout: 30m, onTimeout: rollback}'));
    await reach(id, 'holding', 30);
    await fleet.run(20);
    expect(await view(id)).toMatchObject({ state: 'holding', extensionsUsed: 0 });
    await reach(id, 'rolled_back', 15);
    expect((await view(id)).decisions.find(({ rule }) => rule === 'held')?.reason).toContain('nobody decided');
  }, 60_000);
});

describe('a holdback', () => {
  it('leaves controls at every site until the rollout completes', async () => {
    fleet = await openSimFleet({ perSite: 8, sites: ['plant-a', 'plant-b'] });
    const text = file('name: full, percent: 100, bake: 5m', 'name: full, percent: 100, holdback: 10%, soak: 5m');
    const { plan } = await fleet.rollouts.plan(text);
    expect(plan?.stages.at(-1)).toMatchObject({ devices: 14, controls: 2, holdbackPct: 10 });
    expect(plan?.warnings.join()).toContain('holds back 10 %');
    const id = await begin(text);
    await fleet.runUntil(async () => (await view(id)).exposure.exposed === 14, 60);
    expect((await view(id)).factories.map(({ controls }) => controls)).toEqual([1, 1]);
    await reach(id, 'completed', 60);
    expect(fleet.devices.every(({ committed }) => committed.digest === CANDIDATE)).toBe(true);
  }, 60_000);
});

describe('a new rollout', () => {
  it('of a candidate that was rolled back waits for the cool-down of that rollout, or for a person', async () => {
    fleet = await openSimFleet({ perSite: 2 });
    const id = await begin(section('abort: {cooldown: 2h, verify: none}'));
    const early = await start(FILE, { override: true });
    expect(early).toMatchObject({
      kind: 'refused',
      reasons: [expect.stringContaining(`belay rollout rollback ${id}`)],
    });
    await fleet.run(3);
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 5);
    const again = await start(FILE);
    expect(again).toMatchObject({ kind: 'refused', reasons: [expect.stringMatching(/cool-down of 2h .*--override/)] });
    expect((await fleet.rollouts.plan(FILE)).plan?.needsOverride).toHaveLength(1);
    expect((await start(FILE, { override: true })).kind).toBe('started');
    const audited = await fleet.database
      .selectFrom('audit')
      .selectAll()
      .where('action', '=', 'rollout-start')
      .execute();
    expect(JSON.stringify(audited.at(-1))).toContain('cool-down of 2h');
  });

  it('may start when the cool-down is over', async () => {
    fleet = await openSimFleet({ perSite: 2 });
    const id = await begin(section('abort: {cooldown: 30m, verify: none}'));
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 5);
    await fleet.run(31);
    expect((await start(FILE)).kind).toBe('started');
  });
});

describe('a rollout that an older version has stored', () => {
  it('goes on: its progress knows of no approvals, and its plan of no schedule', async () => {
    fleet = await openSimFleet({ perSite: 4 });
    const id = await begin(FILE);
    await fleet.run(2);
    const stored = await fleet.database
      .selectFrom('rollouts')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const { startedBy, startedAtMs, approvals, heldSinceMs, ...progress } = JSON.parse(stored.progress);
    expect({ startedBy, approvals, heldSinceMs }).toEqual({ startedBy: 'engineer', approvals: [], heldSinceMs: null });
    expect(startedAtMs).toBeGreaterThan(0);
    const { closed: _closed, needsOverride: _needs, stages, ...plan } = JSON.parse(stored.plan);
    for (const stage of stages) {
      delete stage.approvals;
      delete stage.holdbackPct;
    }
    await fleet.database
      .updateTable('rollouts')
      .set({ progress: JSON.stringify(progress), plan: JSON.stringify({ ...plan, stages }) })
      .where('id', '=', id)
      .execute();
    fleet.reopen();
    expect(await view(id)).toMatchObject({ state: 'running', startedBy: null, approvals: null, closed: null });
    await reach(id, 'completed', 90);
  }, 60_000);
});
