// Who is in: lines that stay together, devices that join late, and devices that are enrolled again, on the simulated fleet.
import { afterEach, describe, expect, it } from 'vitest';
import { CANDIDATE } from '../core/builders.ts';
import { rolloutText } from './rollout-text.ts';
import { NEW, openSimFleet, type SimFleet } from './sim-fleet.ts';

const GENTLE = ['id: p95, expr: "p95(latency_ms) <= baseline * 2", enforce: rollback'];
const textOf = (cohort: string) => rolloutText({ cohort, guardrails: GENTLE });

let fleet: SimFleet;
afterEach(() => fleet.close());

const start = (file: string) => fleet.begin(file);
const view = (id: string) => fleet.view(id);

const reachStage = (id: string, stage: string) => fleet.runUntil(async () => (await view(id)).stage === stage, 90);
const reach = (id: string, state: string) => fleet.runUntil(async () => (await view(id)).state === state, 120);
const roleOf = async (id: string, name: string) => (await view(id)).devices.find(({ device }) => device === name)?.role;

describe('clusterBy: line', () => {
  it('gives the candidate to whole lines, as the plan says; pins that tear a line apart are refused', async () => {
    fleet = await openSimFleet({ perSite: 12 });
    for (const [i, device] of fleet.devices.entries()) device.line = `line-${Math.floor(i / 3)}`;
    const { plan } = await fleet.rollouts.plan(textOf('clusterBy: line'));
    const planned = plan?.stages[0]?.sites[0]?.devices ?? [];
    const lineOf = (name: string) => fleet.devices.find(({ device }) => device === name)?.line;
    expect([planned.length, new Set(planned.map(lineOf)).size]).toEqual([3, 1]);
    const id = await start(textOf('clusterBy: line'));
    await fleet.run(2);
    const serving = (await view(id)).devices.filter(({ role }) => role === 'serve').map(({ device }) => device);
    expect(serving.toSorted()).toEqual(planned.toSorted());
    await fleet.rollouts.act(id, 'rollback', { actor: 'on-call', reason: 'enough' });
    await reach(id, 'rolled_back');
    const torn = await fleet.rollouts.plan(textOf('clusterBy: line, pin: {baseline: [a-dev-1]}'));
    expect(torn.plan?.refusals.join()).toContain('plant-a/line-0');
  }, 60_000);
});

describe('devices that join', () => {
  it('are controls until the end by default, and follow when it completes', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(textOf('salt: "fixed:r1"'));
    await fleet.run(2);
    const late = fleet.join('plant-a', 'a-dev-late');
    fleet.join('plant-z', 'z-dev-1');
    await fleet.run(2);
    expect((await view(id)).decisions[0]).toMatchObject({
      kind: 'join',
      reason: expect.stringContaining('plant-a/a-dev-late'),
    });
    expect((await view(id)).devices.some(({ device }) => device === 'z-dev-1')).toBe(false);
    fleet.reopen();
    await reachStage(id, 'full');
    await fleet.run(2);
    expect(await roleOf(id, 'a-dev-late')).toBe('none');
    expect(late.serving).not.toBe(CANDIDATE);
    expect((await view(id)).decisions.filter(({ kind }) => kind === 'join')).toHaveLength(1);
    await reach(id, 'completed');
    expect(late.committed).toEqual(NEW);
  }, 60_000);

  it('take the last places with newDevices: fill', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(textOf('salt: "fixed:r1", newDevices: fill'));
    await fleet.run(2);
    fleet.join('plant-a', 'a-dev-late');
    await fleet.run(2);
    expect(await roleOf(id, 'a-dev-late')).toBe('none');
    await reachStage(id, 'full');
    expect(await roleOf(id, 'a-dev-late')).toBe('serve');
  }, 60_000);
});

describe('a device that is enrolled again', () => {
  it('keeps its place: the same hardware id, the same role', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(textOf('salt: "fixed:r1", reenrol: keep'));
    await fleet.run(3);
    const device = fleet.devices.find(({ serving }) => serving === CANDIDATE);
    const other = fleet.devices.find(({ serving }) => serving !== CANDIDATE);
    if (!device || !other) throw new Error('nobody has the candidate');
    for (const each of [device, other]) Object.assign(each, { seq: each.seq + 1000, servedFrames: 0 });
    await fleet.run(2);
    expect([await roleOf(id, device.device), await roleOf(id, other.device)]).toEqual(['serve', 'none']);
    expect((await view(id)).decisions.some(({ kind }) => kind === 'join')).toBe(false);
  }, 60_000);
});
