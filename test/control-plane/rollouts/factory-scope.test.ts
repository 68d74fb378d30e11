// One factory breaks a limit: with abort.factoryScope it goes back alone, verified, and stays out; the rest waits for a person.
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { openIncidents } from '../../../control-plane/incidents/incidents.ts';
import { CANDIDATE } from '../core/builders.ts';
import { rolloutText, SLOWER } from './rollout-text.ts';
import { NEW, OLD, openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = rolloutText({
  stages: ['name: half, percent: 50, bake: 20m, extend: 2x10m', 'name: full, percent: 100, bake: 10m, extend: 2x10m'],
  guardrails: [SLOWER.replace('1.2', '1.5')],
  analysis: '    slices: [overall, factory]\n',
  more: '  abort: {factoryScope: true, verify: {for: 3m, expr: "p95(latency_ms) <= baseline * 1.5"}}\n',
});

let fleet: SimFleet;
afterEach(() => fleet.close());

async function begin(file = FILE): Promise<string> {
  fleet = await openSimFleet({ perSite: 8, sites: ['plant-a', 'plant-b', 'plant-c'] });
  const started = await fleet.rollouts.start({ file, actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

const view = (id: string) => fleet.view(id);

const outOf = async (id: string) =>
  (await view(id)).factories.filter(({ out }) => out !== null).map(({ site }) => site);
const settled = async (id: string) => ['holding', 'rolled_back'].includes((await view(id)).state);
const servingAt = (site: string) =>
  fleet.devices.filter((device) => device.site === site && device.serving === CANDIDATE).length;

describe('a breach of one factory', () => {
  it('takes that factory back, verifies it, holds the rest; after a resume the rest completes without it', async () => {
    const id = await begin();
    fleet.behaviour = { latencyFactorAt: { 'plant-b': 4 } };
    await fleet.runUntil(() => settled(id), 60);
    const held = await view(id);
    expect([held.state, held.status]).toEqual([
      'holding',
      expect.stringContaining('plant-b goes back, the rest is held'),
    ]);
    expect(await outOf(id)).toEqual(['plant-b']);
    expect(held.decisions[0]).toMatchObject({ kind: 'rollback', rule: 'guardrail-breach', toState: 'holding' });
    fleet.reopen();
    await fleet.runUntil(async () => (await view(id)).decisions[0]?.kind === 'factory-back', 20);
    expect((await view(id)).factories.find(({ site }) => site === 'plant-b')?.out).toMatch(
      /4 of 4 reachable devices.*verified/,
    );
    expect([servingAt('plant-a'), servingAt('plant-b'), servingAt('plant-c')]).toEqual([4, 0, 4]);
    expect((await fleet.rollouts.why(id))?.sentences.join()).toContain('plant-b was taken back alone');
    const incidents = openIncidents({
      database: fleet.database,
      audit: openAudit({ database: fleet.database, wallNow: () => 0 }),
      wallNow: () => fleet.nowMs,
    });
    const incident = await incidents.get(id);
    expect(incident).toMatchObject({
      kind: 'rolled-back',
      title: expect.stringContaining('plant-b goes back'),
      closedAtMs: null,
    });
    expect(incident?.devices.filter(({ outcome }) => outcome.includes('went back with plant-b'))).toHaveLength(4);
    await fleet.rollouts.act(id, 'resume', { actor: 'on-call', reason: 'the others are fine' });
    await fleet.runUntil(async () => (await view(id)).state === 'completed', 120);
    expect((await incidents.get(id))?.closedAtMs).not.toBeNull();
    for (const device of fleet.devices)
      expect([device.device, device.committed]).toEqual([device.device, device.site === 'plant-b' ? OLD : NEW]);
    expect(fleet.registryNotes.join()).toContain('not at plant-b, which went back alone');
  }, 90_000);

  it('takes everybody back when every factory is slow, when the file does not say so, or when a person says so', async () => {
    const id = await begin();
    fleet.behaviour = { latencyFactor: 4 };
    await fleet.runUntil(() => settled(id), 60);
    expect([(await view(id)).state, await outOf(id)]).toEqual(['rolled_back', []]);
    await fleet.close();
    const plain = await begin(FILE.replace('factoryScope: true', 'factoryScope: false'));
    fleet.behaviour = { latencyFactorAt: { 'plant-b': 4 } };
    await fleet.runUntil(() => settled(plain), 60);
    expect((await view(plain)).state).toBe('rolled_back');
    await fleet.close();
    const again = await begin();
    fleet.behaviour = { latencyFactorAt: { 'plant-b': 4 } };
    await fleet.runUntil(() => settled(again), 60);
    await fleet.rollouts.act(again, 'rollback', { actor: 'on-call', reason: 'enough' });
    await fleet.runUntil(async () => (await view(again)).state === 'rolled_back', 30);
    expect(fleet.devices.some(({ serving }) => serving === CANDIDATE)).toBe(false);
  }, 120_000);
});
