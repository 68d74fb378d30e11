// Words of a rollout file and what they promise, each on a simulated fleet and a real database: what nobody else's test would miss.

import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { openIncidents } from '../../../control-plane/incidents/incidents.ts';
import { readAuditNotices } from '../../../control-plane/notifications/read-notices.ts';
import { rolloutText } from './rollout-text.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const GENTLE = ['id: p95, expr: "p95(latency_ms) <= baseline * 2", enforce: rollback'];
const OOM = 'id: oom, events: [oom], enforce: rollback';

let fleet: SimFleet;
afterEach(() => fleet.close());

const start = (file: string) => fleet.begin(file);
const view = (id: string) => fleet.view(id);

const serving = async (id: string) => (await view(id)).devices.filter(({ role }) => role === 'serve');
const simOf = (name: string) => {
  const found = fleet.devices.find(({ device }) => device === name);
  if (!found) throw new Error(`no device ${name}`);
  return found;
};

describe('promotion.auto: false', () => {
  it('waits at every stage for a person, however good the evidence is', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(rolloutText({ guardrails: GENTLE, more: '  promotion: {auto: false}\n' }));
    await fleet.runUntil(async () => (await view(id)).state === 'awaiting_approval', 40);
    await fleet.run(15);
    expect(await view(id)).toMatchObject({ state: 'awaiting_approval', stage: 'some' });
    const promoted = await fleet.rollouts.act(id, 'promote', { actor: 'engineer', reason: 'looked at it' });
    expect(promoted).toMatchObject({ kind: 'done' });
    expect((await view(id)).stage).toBe('full');
  }, 60_000);
});

describe('abort.deviceReverts.within', () => {
  const text = (within: string) =>
    rolloutText({
      stages: ['name: some, percent: 50, bake: 2h', 'name: full, percent: 100, bake: 2h'],
      guardrails: GENTLE,
      more: `  abort: {deviceReverts: {percent: 30, min: 2${within}}}\n`,
    });
  const revertTwo = async (id: string, minutesBetween: number) => {
    const [first, second] = await serving(id);
    for (const device of [first, second]) {
      const sim = simOf(device?.device ?? '');
      sim.quarantined = true;
      await fleet.tell(sim, { kind: 'reverted', reason: 'latency' });
      await fleet.run(minutesBetween);
    }
  };

  it('counts together only those of that time: two far apart hold it, two together take everybody back', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const apart = await start(text(', within: 5m'));
    await fleet.run(3);
    await revertTwo(apart, 8);
    expect(await view(apart)).toMatchObject({ state: 'holding' });
    expect((await view(apart)).decisions.some(({ kind }) => kind === 'rollback')).toBe(false);
  }, 60_000);

  it('counts all of the rollout without it', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(text(''));
    await fleet.run(3);
    await revertTwo(id, 8);
    const rules = (await view(id)).decisions.filter(({ kind }) => kind === 'rollback').map(({ rule }) => rule);
    expect(rules).toContain('device-trip-wire');
  }, 60_000);
});

describe('incidents of devices that joined', () => {
  it('count like those of the plan', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(
      rolloutText({
        stages: ['name: some, percent: 25, bake: 1h', 'name: full, percent: 100, bake: 1h'],
        guardrails: [...GENTLE, OOM],
      }),
    );
    await fleet.run(2);
    const late = fleet.join('plant-a', 'a-dev-late');
    await fleet.run(2);
    await fleet.tell(late, { kind: 'crash', reason: 'killed for want of memory' });
    await fleet.run(2);
    expect((await view(id)).guardrails.find(({ guardrail }) => guardrail === 'oom')).toMatchObject({ count: 1 });
  }, 60_000);
});

describe('abort.killSwitch', () => {
  const text = (words: string) =>
    rolloutText({
      stages: ['name: some, percent: 50, bake: 1h', 'name: full, percent: 100, bake: 1h'],
      guardrails: GENTLE,
      more: `  abort: {killSwitch: {${words}}}\n`,
    });
  const told = () =>
    fleet.database
      .selectFrom('audit')
      .select(['reason', 'details'])
      .where('action', '=', 'kill-unacknowledged')
      .execute();

  it('names late devices once, on record and to the owners; who has acknowledged is not among them', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const id = await start(text('ack: 2m, escalateUnacked: true'));
    await fleet.run(2);
    await fleet.kill('k-1', { kind: 'site', site: 'plant-a' });
    const [quick, ...late] = await serving(id);
    const at = { site: 'plant-a', device: quick?.device ?? '', acked_at_ms: fleet.nowMs };
    const unknown = { round_trip_ms: null, effect_ms: null, was_serving: null, digest: null, request_id: null };
    await fleet.database
      .insertInto('kill_acks')
      .values({ kill_id: 'k-1', ...at, ...unknown })
      .execute();
    await fleet.run(1);
    expect(await told()).toEqual([]);
    await fleet.run(4);
    const [row, ...more] = await told();
    expect(more).toEqual([]);
    expect(row?.reason).toContain(
      `${late.length} of ${late.length + 1} devices have not acknowledged the kill within 2`,
    );
    expect(row?.reason).toContain('vision-team and on-call (backup) are asked');
    expect(row?.details).not.toContain(`plant-a/${quick?.device}"`);
    expect((await fleet.rollouts.why(id))?.sentences.join('\n')).toContain('have not acknowledged the kill');
    expect((await view(id)).state).toBe('holding');
    const { notices } = await fleet.database
      .transaction()
      .execute((transaction) => readAuditNotices(transaction, 0, 'evt_'));
    const types = notices.map(({ type }) => type.split('.').slice(2).join('.'));
    expect(types.filter((type) => type === 'rollout.started.v1')).toHaveLength(1);
    expect(notices.find(({ type }) => type === 'dev.belay.kill.unacknowledged.v1')).toMatchObject({
      subject: `rollout/${id}`,
      sites: expect.arrayContaining(['plant-a']),
      data: { killId: 'k-1', devices: expect.arrayContaining([`plant-a/${late[0]?.device}`]), next: 'belay kills' },
    });
  }, 60_000);

  it('tells nobody where the file does not ask for it', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    await start(text('ack: 1m'));
    await fleet.run(2);
    await fleet.kill('k-1', { kind: 'site', site: 'plant-a' });
    await fleet.run(5);
    expect(await told()).toEqual([]);
  }, 60_000);
});

describe('cohort.exclude.lines', () => {
  it.each([
    ['line-?', ['line-1', 'line-2']],
    ['*-2', ['line-2', 'spare-2']],
    ['l*e-1*', ['line-1', 'line-10']],
    ['line-1', ['line-1']],
    ['*', ['line-1', 'line-2', 'line-10', 'spare-2']],
  ])('%s leaves out %j', async (pattern, left) => {
    fleet = await openSimFleet({ perSite: 4 });
    for (const [at, line] of ['line-1', 'line-2', 'line-10', 'spare-2'].entries())
      Object.assign(fleet.devices[at] ?? {}, { line });
    const { plan } = await fleet.rollouts.plan(rolloutText({ cohort: `exclude: {lines: ["${pattern}"]}` }));
    const lines = plan?.excluded.map(({ why }) => /^line (\S+) is excluded$/.exec(why)?.[1]).toSorted();
    expect(lines).toEqual(left.toSorted());
  });
});

describe('an incident note', () => {
  it('names the file that was in force when it was decided, also after another revision', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const file = rolloutText({ stages: ['name: some, percent: 50, bake: 1h', 'name: full, percent: 100, bake: 1h'] });
    const id = await start(file);
    await fleet.run(3);
    fleet.behaviour = { latencyFactor: 3 };
    await fleet.runUntil(async () => (await view(id)).state === 'rolling_back', 20);
    const audit = openAudit({ database: fleet.database, wallNow: () => fleet.nowMs });
    const incidents = openIncidents({ database: fleet.database, audit, wallNow: () => fleet.nowMs });
    const before = (await incidents.get(id))?.fileHash;
    await fleet.database
      .updateTable('rollouts')
      .set({ file_hash: 'f'.repeat(64) })
      .where('id', '=', id)
      .execute();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect((await incidents.get(id))?.fileHash).toBe(before);
  }, 60_000);
});
