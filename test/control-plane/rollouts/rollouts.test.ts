// Rollouts from file to end on a simulated fleet and a real database.

import { sql } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { CANDIDATE } from '../core/builders.ts';
import { NEW, OLD, openSimFleet, type SimFleet, type SimOptions } from './sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  cohort: {salt: "fixed:r1"}
  stages:
    - {name: selftest, percent: 100, mode: golden, bake: 1m}
    - {name: shadow, percent: 100, mode: shadow, bake: 6m}
    - {name: some, percent: 25, bake: 8m, extend: 2x4m}
    - {name: full, percent: 100, bake: 8m, extend: 2x4m}
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, baseDetections: 20, minutes: 3}
    missing: {stale: 3m, maxSilent: 20%}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback}
    - {id: errors, expr: "rate(errors, frames) <= 1 %", enforce: rollback}
    - {id: lost, expr: "rate(lost, class=micro-crack) <= 10 %", enforce: rollback}
    - {id: map, expr: "golden(map50) >= baseline - 10 pt", enforce: rollback}
  abort: {verify: {for: 2m}}
`;
const START = { file: FILE, actor: 'engineer', reason: 'better model' };

let fleet: SimFleet;
afterEach(() => fleet.close());

async function begin(options: SimOptions, file = FILE): Promise<string> {
  fleet = await openSimFleet(options);
  const started = await fleet.rollouts.start({ ...START, file });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

const view = (id: string) => fleet.view(id);

const reach = (id: string, state: string, minutesMax = 120) =>
  fleet.runUntil(async () => (await view(id)).state === state, minutesMax);
const reachStage = (id: string, stage: string, minutesMax = 60) =>
  fleet.runUntil(async () => {
    const now = await view(id);
    return now.stage === stage && now.exposure.exposed > 0 && now.exposure.exposed === now.exposure.assigned;
  }, minutesMax);
const act = (id: string, verb: 'hold' | 'resume' | 'promote' | 'rollback' | 'abort', more = {}) =>
  fleet.rollouts.act(id, verb, { actor: 'on-call', reason: 'because', ...more });

describe('plan', () => {
  it('lists exactly who, when and back to what, and does not change with time', async () => {
    fleet = await openSimFleet({ perSite: 8, sites: ['plant-a', 'plant-b'] });
    const { plan, problems } = await fleet.rollouts.plan(FILE);
    expect(problems).toEqual([]);
    expect(plan?.stages.map(({ devices, controls }) => [devices, controls])).toEqual([
      [16, 0],
      [16, 0],
      [4, 12],
      [16, 0],
    ]);
    expect(plan?.stages[2]?.sites.map(({ devices }) => devices.length)).toEqual([2, 2]);
    expect(plan?.baselines).toEqual([{ ...OLD, devices: 16 }]);
    expect(plan?.refusals).toEqual([]);
    await fleet.run(1);
    expect((await fleet.rollouts.plan(FILE)).plan?.hash).toBe(plan?.hash);
  });

  it('says what stands in the way: offline devices, unknown classes, unregistered candidates, other rollouts', async () => {
    const id = await begin({ perSite: 4 });
    const again = await fleet.rollouts.start(START);
    expect(again).toMatchObject({ kind: 'refused' });
    if (again.kind === 'refused') expect(again.reasons.join()).toContain(id);
    fleet.devices[0]!.online = false;
    const { plan } = await fleet.rollouts.plan(FILE.replace('micro-crack', 'micro-crak'));
    expect(plan?.refusals.join()).toContain('did you mean "micro-crack"');
    expect(plan?.devices.find(({ device }) => device === 'a-dev-1')?.blocked).toEqual(['not reachable now']);
    const unknown = await fleet.rollouts.plan(FILE.replace('2.0.0', '9.9.9'));
    expect(unknown.problems).toMatchObject([
      { line: 5, path: 'spec.candidate', message: expect.stringContaining('not registered') },
    ]);
    expect(await fleet.rollouts.start({ ...START, file: 'kind: x' })).toMatchObject({ kind: 'invalid' });
  });

  it('honours pins, excludes and factories', async () => {
    fleet = await openSimFleet({ perSite: 4, sites: ['plant-a', 'plant-b'] });
    const cohort =
      'cohort: {factories: [plant-a], pin: {candidate: [a-dev-1], baseline: [a-dev-2]}, exclude: {devices: [a-dev-3]}}';
    const { plan } = await fleet.rollouts.plan(FILE.replace('cohort: {salt: "fixed:r1"}', cohort));
    expect(plan?.devices.map(({ device, pin }) => [device, pin])).toEqual([
      ['a-dev-1', 'candidate'],
      ['a-dev-4', null],
      ['a-dev-2', 'baseline'],
    ]);
    expect(plan?.excluded).toMatchObject([{ device: 'a-dev-3', why: 'excluded by name' }]);
    expect(plan?.stages.at(-1)?.sites[0]?.devices).toEqual(['a-dev-1', 'a-dev-4']);
  });
});

describe('what a file says of its devices and of itself', () => {
  it('leaves out devices that do not fit cohort.where, each with its reason', async () => {
    fleet = await openSimFleet({ perSite: 3, sites: ['plant-a', 'plant-b'] });
    await fleet.run(2);
    const battery = (pct: number, device: string) =>
      sql`update windows set document = json_set(document, '$.sensors.batteryPct', ${pct}) where device = ${device}`.execute(
        fleet.database,
      );
    await battery(80, 'a-dev-1');
    await battery(12, 'a-dev-2');
    const where = 'cohort: {where: "site not in [plant-b] and battery >= 30"}';
    const { plan } = await fleet.rollouts.plan(FILE.replace('cohort: {salt: "fixed:r1"}', where));
    expect(plan?.devices.map(({ device }) => device)).toEqual(['a-dev-1']);
    expect(Object.fromEntries(plan?.excluded.map(({ device, why }) => [device, why]) ?? [])).toEqual({
      'a-dev-2': 'where: battery is 12 %, not >= 30',
      'a-dev-3': 'where: its battery is not known',
      'b-dev-1': 'where: site is plant-b',
      'b-dev-2': 'where: site is plant-b',
      'b-dev-3': 'where: site is plant-b',
    });
  });

  it('shows ticket, labels and warnings of the file; one without them has none', async () => {
    fleet = await openSimFleet({ perSite: 4 });
    const about = FILE.replace(/metadata: \{/, 'metadata: {labels: {line: weld}, ticket: CHG-1042, ');
    expect(about).not.toBe(FILE);
    const started = await fleet.rollouts.start({ ...START, file: about });
    if (started.kind !== 'started') throw new Error(started.kind);
    expect(await view(started.id)).toMatchObject({ labels: { line: 'weld' }, ticket: 'CHG-1042', fileText: about });
    const { plan } = await fleet.rollouts.plan(FILE);
    expect(plan).toMatchObject({ labels: {}, ticket: null });
    const lone = await fleet.rollouts.plan(FILE.replace('backup: on-call', 'backup: vision-team'));
    expect(lone.plan?.warnings).toContainEqual(expect.stringContaining('spec.owners.backup: is the owner again'));
  });
});

describe('a good candidate', () => {
  it('goes through every stage, is committed everywhere, and leaves a record', async () => {
    const id = await begin({ perSite: 8 });
    await reachStage(id, 'some');
    const early = await view(id);
    expect(early.exposure).toMatchObject({ assigned: 2, exposed: 2, reporting: 2, reverted: 0, dark: 0 });
    expect(early.factories).toMatchObject([{ site: 'plant-a', candidate: 2, exposed: 2, controls: 6 }]);
    const serving = early.devices.filter(({ role }) => role === 'serve').map(({ device }) => device);
    await reach(id, 'completed');
    const done = await view(id);
    expect(fleet.devices.every(({ committed }) => committed.digest === CANDIDATE)).toBe(true);
    expect(done.stages.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
    expect(done.devices.filter(({ device }) => serving.includes(device)).every(({ role }) => role === 'serve')).toBe(
      true,
    );
    expect(
      done.decisions
        .map(({ kind }) => kind)
        .toReversed()
        .filter((kind) => kind !== 'extend'),
    ).toEqual(['start', 'promote', 'promote', 'promote', 'complete', 'complete']);
    expect(fleet.registryNotes).toEqual(
      expect.arrayContaining([
        expect.stringContaining('stable: rollout'),
        expect.stringContaining('kept as the fallback'),
      ]),
    );
    expect((await fleet.desired('a-dev-1'))?.baseline).toEqual(NEW);
    const stored = await fleet.database
      .selectFrom('rollout_decisions')
      .selectAll()
      .where('kind', '=', 'promote')
      .executeTakeFirstOrThrow();
    expect(stored.statistics_version).toBe('paired-always-valid/2');
    expect(JSON.parse(stored.inputs)).toHaveProperty('facts.verdicts');
    expect(await openAudit({ database: fleet.database, wallNow: () => 0 }).verify()).toMatchObject({ kind: 'intact' });
  }, 60_000);

  it('goes on after a restart as if nothing had been', async () => {
    const id = await begin({ perSite: 4 });
    await reachStage(id, 'shadow');
    const before = await view(id);
    fleet.reopen();
    await fleet.rollouts.tick(fleet.nowMs);
    await fleet.rollouts.tick(fleet.nowMs);
    expect((await view(id)).version).toBe(before.version);
    await reachStage(id, 'some');
  }, 60_000);
});

describe('a bad candidate', () => {
  it('is stopped in the shadow when it loses cracks, before it answers a frame', async () => {
    const id = await begin({ perSite: 4 });
    fleet.behaviour = { lostShare: 0.4 };
    await reach(id, 'rolled_back');
    const done = await view(id);
    expect(done.stage).toBe('shadow');
    expect(done.status).toContain('micro-crack');
    expect(done.guardrails.find(({ guardrail }) => guardrail === 'lost')?.verdict).toBe('breach');
    expect(await fleet.desired('a-dev-1')).toMatchObject({ candidate: null, baseline: OLD, cohortId: 'baseline' });
    expect((await fleet.rollouts.why(id))?.summary).toContain('micro-crack');
  }, 60_000);

  it('is rolled back when it is slow where it serves', async () => {
    const id = await begin({ perSite: 6 });
    fleet.behaviour = { latencyFactor: 3 };
    await reach(id, 'rolled_back');
    const done = await view(id);
    expect(done).toMatchObject({ stage: 'some', endedAtMs: expect.any(Number) });
    expect(done.status).toContain('p95 latency +');
    expect(fleet.devices.every(({ serving }) => serving !== CANDIDATE)).toBe(true);
  }, 60_000);

  it('is rolled back when every device refuses it', async () => {
    const id = await begin({ perSite: 2 });
    fleet.behaviour = { refusedBy: ['a-dev-1', 'a-dev-2'] };
    await reach(id, 'rolled_back', 10);
    expect((await view(id)).status).toContain('2 of 2 devices went back by themselves');
  });

  it('holds when one of many refuses it, until a person resumes', async () => {
    const id = await begin({ perSite: 4 });
    fleet.behaviour = { refusedBy: ['a-dev-3'] };
    await reach(id, 'holding', 10);
    expect((await view(id)).holdReason).toContain('plant-a/a-dev-3');
    expect(await act(id, 'resume')).toMatchObject({ kind: 'done' });
    await fleet.runUntil(async () => (await view(id)).stage === 'some', 30);
  }, 60_000);
});

describe('missing devices', () => {
  it('hold the rollout while they are silent, and let it go on when they are back', async () => {
    const id = await begin({ perSite: 6 });
    await reachStage(id, 'some');
    const silent = (await view(id)).devices.filter(({ role }) => role === 'serve').map(({ device }) => device);
    const set = (online: boolean) => {
      for (const device of fleet.devices) if (silent.includes(device.device)) device.online = online;
    };
    set(false);
    await reach(id, 'holding', 5);
    expect((await view(id)).holdReason).toContain('silent');
    await fleet.run(30);
    expect(await view(id)).toMatchObject({ state: 'holding', stage: 'some' });
    set(true);
    await reach(id, 'running', 3);
    await reachStage(id, 'full', 40);
  }, 60_000);

  it('do not swallow what a person says meanwhile: it stays held when they are back', async () => {
    const id = await begin({ perSite: 6 });
    await reachStage(id, 'some');
    for (const device of fleet.devices) device.online = false;
    await reach(id, 'holding', 5);
    expect(await act(id, 'hold')).toMatchObject({ kind: 'done', state: 'holding' });
    expect((await view(id)).decisions[0]).toMatchObject({ kind: 'hold', actor: 'on-call', reason: 'on-call: because' });
    for (const device of fleet.devices) device.online = true;
    await fleet.run(10);
    expect(await view(id)).toMatchObject({ state: 'holding', holdReason: 'on-call: because' });
  }, 60_000);

  it('is not told as done what another rule has done already', async () => {
    const file = FILE.replace('baseline * 1.2", enforce: rollback', 'baseline * 1.2", enforce: hold');
    const id = await begin({ perSite: 6 }, file);
    await reachStage(id, 'some');
    fleet.behaviour = { latencyFactor: 3 };
    await reach(id, 'holding', 30);
    expect(await act(id, 'hold')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('p95') });
  }, 60_000);
});

describe('leases', () => {
  it('go with the order of every device that serves, on the terms of its site', async () => {
    const lease = 'lease: {ttl: 5m, sites: {plant-b: {onLapse: hold}}}\n  requireWarm: true';
    const file = FILE.replace('\n  analysis:', `\n  ${lease}\n  analysis:`);
    const id = await begin({ perSite: 4, sites: ['plant-a', 'plant-b'] }, file);
    const trials = async () => {
      const documents = await Promise.all(fleet.devices.map(({ device }) => fleet.desired(device)));
      return documents.flatMap((document) =>
        document?.candidate ? [{ site: document.site, ...document.candidate }] : [],
      );
    };
    expect((await trials()).every((trial) => trial.lease === null && trial.requireWarm)).toBe(true);
    await reachStage(id, 'some');
    const serving = (await trials()).filter(({ role }) => role === 'serve');
    expect(serving.map((trial) => [trial.site, trial.lease, trial.requireWarm])).toEqual([
      ['plant-a', { ttlMs: 300_000, onLapse: 'revert' }, true],
      ['plant-b', { ttlMs: 300_000, onLapse: 'hold' }, true],
    ]);
    const { plan } = await fleet.rollouts.plan(file);
    expect(plan?.readiness.find(({ fact }) => fact === 'leases')?.detail).toContain('after 5m; plant-b: goes on');
  }, 60_000);

  it("that lapse take a device out of the exposure, and are nobody else's fault", async () => {
    const strict = FILE.replace('abort: {', 'abort: {deviceReverts: {percent: 1, min: 1}, ');
    const id = await begin({ perSite: 8 }, strict);
    await reachStage(id, 'some');
    const exposed = fleet.devices.filter(({ serving }) => serving === CANDIDATE);
    for (const device of exposed) {
      device.lapsed = true;
      await fleet.tell(device, { kind: 'lease-lapsed', reason: 'not renewed within 300 s' });
    }
    await fleet.run(12);
    const during = await view(id);
    expect(during).toMatchObject({ stage: 'some', exposure: { assigned: 2, exposed: 0, reverted: 0 } });
    expect(['running', 'holding']).toContain(during.state);
    expect(during.decisions.map(({ kind }) => kind)).not.toContain('rollback');
    expect(during.devices.find(({ device }) => device === exposed[0]?.device)?.detail).toContain('lease-lapsed');
    for (const device of exposed) {
      device.lapsed = false;
      await fleet.tell(device, { kind: 'lease-renewed', reason: 'renewed' });
    }
    await fleet.run(1);
    expect((await view(id)).exposure).toMatchObject({ exposed: 2, reverted: 0 });
    // The same devices, had they reverted by themselves:
    for (const device of exposed) await fleet.tell(device, { kind: 'reverted', reason: 'latency' });
    await reach(id, 'rolled_back', 12);
  }, 60_000);
});

describe('people', () => {
  it('hold, resume, roll back; each device goes back to what it ran before', async () => {
    const id = await begin({ perSite: 4 });
    await reachStage(id, 'some');
    expect(await act(id, 'hold')).toMatchObject({ kind: 'done', state: 'holding' });
    await fleet.run(30);
    expect(await view(id)).toMatchObject({ state: 'holding', stage: 'some', holdReason: 'on-call: because' });
    expect(await act(id, 'promote')).toMatchObject({ kind: 'refused' });
    // Whoever holds what is held already is on record too, and it is what they said that is shown.
    expect(await act(id, 'hold', { reason: 'me too' })).toMatchObject({ kind: 'done', state: 'holding' });
    expect(await view(id)).toMatchObject({ holdReason: 'on-call: me too' });
    expect((await view(id)).decisions.filter(({ rule }) => rule === 'person-hold')).toHaveLength(2);
    expect(await act(id, 'resume')).toMatchObject({ kind: 'done', state: 'running' });
    expect(await act(id, 'resume')).toMatchObject({ kind: 'refused', reason: 'it is not held' });
    const offline = fleet.devices.find(({ serving }) => serving === CANDIDATE);
    offline!.online = false;
    const others = fleet.devices.filter(({ online }) => online);
    expect(await act(id, 'rollback')).toMatchObject({ kind: 'done', state: 'rolling_back' });
    expect(await act(id, 'hold')).toMatchObject({ kind: 'refused' });
    await fleet.run(2);
    const during = await view(id);
    expect(others.every(({ serving }) => serving === BASELINE_OF)).toBe(true);
    expect(during.state).toBe('rolling_back');
    expect(during.status).toContain(offline!.device);
    offline!.online = true;
    await reach(id, 'rolled_back', 12);
    expect(fleet.registryNotes.join()).toContain('rolled-back in rollout');
    expect(await act(id, 'hold')).toMatchObject({ kind: 'refused', reason: 'it has ended: rolled_back' });
    expect(await act('nobody', 'hold')).toEqual({ kind: 'not-found' });
  }, 60_000);

  it('approve a manual stage, or end it and keep devices as they are', async () => {
    const id = await begin(
      { perSite: 4 },
      FILE.replace('mode: shadow, bake: 6m', 'mode: shadow, bake: 6m, promote: manual'),
    );
    await reach(id, 'awaiting_approval', 30);
    await fleet.run(10);
    expect(await view(id)).toMatchObject({ state: 'awaiting_approval', stage: 'shadow' });
    expect(await act(id, 'promote')).toMatchObject({ kind: 'done' });
    await reachStage(id, 'some', 5);
    expect(await act(id, 'abort', { keep: true })).toMatchObject({ kind: 'done', state: 'aborted' });
    await fleet.run(2);
    expect(fleet.devices.filter(({ serving }) => serving === CANDIDATE)).toHaveLength(1);
  }, 60_000);
});

const BASELINE_OF = OLD.digest;

describe('a kill', () => {
  it('stops the rollout at once, and only a person makes it go on after re-arming', async () => {
    const id = await begin({ perSite: 4 });
    await reachStage(id, 'some');
    await fleet.kill('k-1', { kind: 'release', digest: CANDIDATE, release: NEW.release });
    await fleet.run(1);
    expect(await view(id)).toMatchObject({ state: 'holding', killed: expect.stringContaining('k-1') });
    expect(await act(id, 'resume')).toMatchObject({ kind: 'refused' });
    expect(await act(id, 'promote', { override: true })).toMatchObject({ kind: 'refused' });
    expect((await fleet.rollouts.why(id))?.whatYouCanDo[0]).toBe('rearm the kill first, then resume');
    await fleet.rearm('k-1');
    await fleet.run(20);
    expect(await view(id)).toMatchObject({ state: 'holding', killed: null, stage: 'some' });
    expect((await fleet.rollouts.why(id))?.whatYouCanDo.join()).toContain('resume: go on');
    expect(await act(id, 'resume')).toMatchObject({ kind: 'done', state: 'running' });
    await reachStage(id, 'full', 40);
  }, 60_000);

  it('of its release is said of a rollout that has ended, as long as it is in force', async () => {
    const id = await begin({ perSite: 4 });
    await reachStage(id, 'some');
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 12);
    await fleet.kill('k-1', { kind: 'release', digest: CANDIDATE, release: NEW.release });
    expect(await view(id)).toMatchObject({ state: 'rolled_back', killed: expect.stringContaining('k-1') });
    expect(await fleet.rollouts.list()).toMatchObject([{ id, killed: expect.stringContaining('k-1') }]);
    expect((await fleet.rollouts.why(id))?.sentences.join('\n')).toContain('the candidate is killed (k-1');
    await fleet.rearm('k-1');
    expect(await view(id)).toMatchObject({ state: 'rolled_back', killed: null });
  }, 60_000);

  it('of one device, or of another release, leaves it alone', async () => {
    const id = await begin({ perSite: 2 });
    await fleet.kill('k-1', { kind: 'device', site: 'plant-a', device: 'a-dev-1' });
    await fleet.kill('k-2', { kind: 'release', digest: 'd'.repeat(64), release: 'cv-detector:1.0.0+data=cccc' });
    await fleet.run(2);
    expect((await view(id)).state).toBe('running');
  });
});
