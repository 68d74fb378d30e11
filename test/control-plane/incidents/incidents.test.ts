// What is left after a rollout, from start to end on a simulated fleet and a real database: verification, incident, returns.
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { type Incidents, openIncidents } from '../../../control-plane/incidents/incidents.ts';
import { toMarkdown } from '../../../control-plane/reports/document.ts';
import { incidentDocument } from '../../../control-plane/reports/incident-document.ts';
import { incidentSchema } from '../../../shared/protocol/api-incidents.ts';
import { rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { CANDIDATE } from '../core/builders.ts';
import { NEW, OLD, openSimFleet, type SimFleet } from '../rollouts/sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  cohort: {salt: "fixed:r1"}
  stages:
    - {name: shadow, percent: 100, mode: shadow, bake: 6m}
    - {name: some, percent: 25, bake: 8m, extend: 2x4m}
    - {name: full, percent: 100, bake: 8m}
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, baseDetections: 20, minutes: 3}
    missing: {stale: 3m, maxSilent: 60%}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback}
    - {id: lost, expr: "rate(lost, class=micro-crack) <= 10 %", enforce: rollback}
  abort: {verify: {for: 3m}}
`;

let fleet: SimFleet;
let incidents: Incidents;
afterEach(() => fleet.close());

async function begin(file = FILE, perSite = 8): Promise<string> {
  fleet = await openSimFleet({ perSite });
  const clock = { wallNow: () => fleet.nowMs };
  incidents = openIncidents({
    database: fleet.database,
    audit: openAudit({ database: fleet.database, ...clock }),
    ...clock,
  });
  const started = await fleet.rollouts.start({ file, actor: 'engineer', reason: 'better model' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

async function view(id: string) {
  return rolloutViewSchema.parse(await fleet.rollouts.get(id));
}

const reach = (id: string, state: string, minutesMax = 60) =>
  fleet.runUntil(async () => (await view(id)).state === state, minutesMax);
const reachServing = (id: string) =>
  fleet.runUntil(async () => {
    const now = await view(id);
    return now.stage === 'some' && now.exposure.exposed === now.exposure.assigned;
  }, 60);
const act = (id: string, verb: 'hold' | 'resume' | 'rollback' | 'abort', more = {}) =>
  fleet.rollouts.act(id, verb, { actor: 'on-call', reason: 'line 3 complains', ...more });

async function incidentOf(id: string) {
  const found = await incidents.get(id);
  if (found === null) throw new Error(`no incident of ${id}`);
  return incidentSchema.parse(found);
}

describe('a rollback', () => {
  it('is told as done only when the metrics are back, and its note has the evidence', async () => {
    const id = await begin();
    await reachServing(id);
    fleet.behaviour = { latencyFactor: 3 };
    await reach(id, 'rolling_back', 15);
    await fleet.run(1);
    const open = await incidentOf(id);
    expect(open).toMatchObject({ kind: 'rolled-back', closedAtMs: null, stage: 'some', verification: null });
    expect(open.telemetry?.map(({ arm }) => arm)).toEqual(['before', 'meanwhile', 'candidate', 'shadow']);
    fleet.behaviour = {};
    await fleet.runUntil(async () => (await view(id)).status.includes('verifying'), 3);
    expect((await view(id)).state).toBe('rolling_back');
    await reach(id, 'rolled_back', 12);

    const done = await view(id);
    expect(done.verification).toMatchObject({ kind: 'verified', checks: [{ result: 'back' }, { result: 'back' }] });
    expect(done.decisions[0]?.reason).toContain('verified: p95 latency');
    const note = await incidentOf(id);
    expect(note).toMatchObject({
      kind: 'rolled-back',
      closedAtMs: expect.any(Number),
      statisticsVersion: expect.any(String),
    });
    expect(note.verdicts.find(({ guardrail }) => guardrail === 'p95')).toMatchObject({ verdict: 'breach' });
    const [before, , candidate] = note.telemetry ?? [];
    expect(candidate?.p95Ms ?? 0).toBeGreaterThan(2 * (before?.p95Ms ?? 0));
    expect(candidate?.devices).toBe(2);
    expect(note.timeline.map(({ atMs }) => atMs)).toEqual(
      note.timeline.map(({ atMs }) => atMs).toSorted((a, b) => a - b),
    );
    expect(note.timeline.at(-1)?.text ?? '').toContain('verified');
    expect(note.devices.filter(({ outcome }) => outcome.includes(`back on ${OLD.release}`))).toHaveLength(2);
    expect(note.people).toEqual([{ actor: 'engineer', did: ['start at shadow: better model'] }]);
    expect((await fleet.rollouts.why(id))?.sentences.join('\n')).toContain('verified: p95 latency');
    expect(toMarkdown(incidentDocument(note))).toBe(toMarkdown(incidentDocument(await incidentOf(note.id))));
  }, 60_000);

  it('goes back at once, and ends as not verified when the devices stay slow', async () => {
    const id = await begin();
    await reachServing(id);
    fleet.behaviour = { baselineFactor: 2 };
    await fleet.run(1);
    // Only those that had it stay slow: the others are what the day is compared with.
    expect(await act(id, 'rollback')).toMatchObject({ kind: 'done', state: 'rolling_back' });
    await fleet.run(1);
    expect(fleet.devices.every(({ serving }) => serving === OLD.digest)).toBe(true);
    for (const device of fleet.devices) if (!(await hadIt(id, device.device))) device.online = false;
    await reach(id, 'rolled_back', 15);
    const { verification } = await view(id);
    expect(verification).toMatchObject({ kind: 'not-verified' });
    expect(verification?.sentence).toContain('still worse on plant-a/');
    expect(fleet.registryNotes.join('\n')).toContain('not verified: p95 latency +');
  }, 60_000);

  it('counts devices that were away when they come back', async () => {
    const id = await begin();
    await reachServing(id);
    const away = fleet.devices.find(({ serving }) => serving === CANDIDATE);
    away!.online = false;
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 15);
    expect((await view(id)).verification?.offline).toEqual([{ site: 'plant-a', device: away!.device, backAtMs: null }]);
    expect(outcomeOf(await incidentOf(id), away!.device)).toContain('offline when the rest was back');
    away!.online = true;
    await fleet.run(2);
    expect((await view(id)).verification?.offline[0]?.backAtMs).toBeGreaterThan(0);
    expect((await incidentOf(id)).timeline.at(-1)).toMatchObject({ what: 'return', actor: `plant-a/${away!.device}` });
  }, 60_000);

  it('from the shadow has nothing to verify, and ends at once', async () => {
    const id = await begin();
    await fleet.run(3);
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 2);
    expect((await view(id)).verification).toMatchObject({ kind: 'not-needed' });
  });

  it('ends as not verified when every device goes away while it is looked at', async () => {
    const id = await begin();
    await reachServing(id);
    await act(id, 'rollback');
    await fleet.runUntil(async () => (await view(id)).status.includes('verifying'), 3);
    for (const device of fleet.devices) device.online = false;
    await reach(id, 'rolled_back', 12);
    const { verification } = await view(id);
    expect(verification).toMatchObject({ kind: 'not-verified', offline: [{ backAtMs: null }, { backAtMs: null }] });
    expect(verification?.sentence).toContain('no device is reachable');
    expect((await fleet.rollouts.why(id))?.whatYouCanDo.join()).toContain(`belay incident get ${id}`);
  }, 60_000);

  it('is verified from the same moment after a restart', async () => {
    const id = await begin();
    await reachServing(id);
    await act(id, 'rollback');
    await fleet.run(2);
    fleet.reopen();
    await reach(id, 'rolled_back', 6);
    expect((await view(id)).verification?.kind).toBe('verified');
    const rows = await fleet.database.selectFrom('rollout_verifications').selectAll().execute();
    expect(rows).toHaveLength(1);
  }, 60_000);
});

async function hadIt(id: string, device: string): Promise<boolean> {
  return (await view(id)).devices.find((each) => each.device === device)?.role === 'serve';
}

function outcomeOf(incident: Awaited<ReturnType<typeof incidentOf>>, device: string): string {
  return incident.devices.find((each) => each.device === device)?.outcome ?? '';
}

describe('an incident', () => {
  it('is opened by a kill, goes on as the rollback that follows, and is closed with it', async () => {
    const id = await begin();
    await reachServing(id);
    await fleet.kill('k-1', { kind: 'release', digest: CANDIDATE, release: NEW.release });
    const device = fleet.devices.find(({ serving }) => serving === CANDIDATE);
    await fleet.tell(device!, { kind: 'kill-ack', reason: 'obeyed k-1' });
    await fleet.run(1);
    const killed = await incidentOf(id);
    expect(killed).toMatchObject({ kind: 'killed', closedAtMs: null });
    expect(killed.timeline.map(({ text }) => text).join('\n')).toMatch(
      /kill k-1 \(release\): smoke; acknowledged by 0 devices/,
    );
    expect(outcomeOf(killed, device!.device)).toContain('kill-ack: obeyed k-1');
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 12);
    const all = await incidents.list(id);
    expect(all).toMatchObject([{ id: killed.id, kind: 'rolled-back', closedAtMs: expect.any(Number) }]);
    expect((await incidentOf(id)).people.map(({ actor }) => actor)).toEqual(['engineer', 'on-call']);
  }, 60_000);

  it('of a hold is closed when a person lets it go on, and a later one is another', async () => {
    const id = await begin();
    fleet.behaviour = { refusedBy: ['a-dev-3'] };
    await reach(id, 'holding', 15);
    expect(await incidentOf(id)).toMatchObject({ kind: 'held', closedAtMs: null });
    await act(id, 'resume');
    expect(await incidentOf(id)).toMatchObject({ closedBecause: 'on-call resumed it: line 3 complains' });
    await act(id, 'abort', { keep: true });
    await fleet.run(1);
    const listed = await incidents.list(null);
    expect(listed?.map(({ kind }) => kind)).toEqual(['aborted', 'held']);
    expect(listed?.every(({ closedAtMs }) => closedAtMs !== null)).toBe(true);
  }, 60_000);

  it('takes notes and a plan to roll forward, keeps them for good, and has all of it in the audit', async () => {
    const id = await begin();
    await fleet.run(2);
    await act(id, 'rollback');
    await reach(id, 'rolled_back', 3);
    await incidents.annotate(id, { actor: 'cv-team', text: 'NMS was on the CPU' });
    const note = await incidents.annotate(id, { actor: 'cv-team', rollForward: '2.0.1 with NMS on the GPU' });
    expect(note).toMatchObject({
      rollForward: { text: '2.0.1 with NMS on the GPU', actor: 'cv-team' },
      notes: [{ text: 'NMS was on the CPU' }, { text: 'roll forward: 2.0.1 with NMS on the GPU' }],
    });
    await expect(fleet.database.deleteFrom('incident_notes').execute()).rejects.toThrow('append-only');
    const rows = await openAudit({ database: fleet.database, wallNow: () => 0 }).list({ limit: 20 });
    expect(rows.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['incident-opened', 'incident-annotated', 'incident-closed', 'rollout-rollback']),
    );
    expect(await incidents.annotate('nobody', { actor: 'x', text: 'y' })).toBeNull();
    expect(await incidents.list('nobody')).toBeNull();
  });
});
