// Verdicts in a running rollout over a real database: incidents that devices tell of, who went silent, and what a look is.
import { afterEach, describe, expect, it } from 'vitest';
import { CANDIDATE } from '../core/builders.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  cohort: {salt: "fixed:r1"}
  stages:
    - {name: some, percent: 25, bake: 20m, extend: 2x10m}
    - {name: full, percent: 100, bake: 20m}
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, minutes: 3}
    missing: {stale: 3m, maxSilent: 90%}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.5", enforce: rollback}
    - {id: ends, events: [oom, crash, watchdog], test: incident, enforce: rollback}
  abort: {deviceReverts: {percent: 100, min: 50}}
`;

let fleet: SimFleet;
afterEach(() => fleet.close());

async function beginSome(): Promise<string> {
  fleet = await openSimFleet({ perSite: 24 });
  const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better model' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  await fleet.run(6);
  return started.id;
}

const view = (id: string) => fleet.view(id);

const exposed = () => fleet.devices.filter(({ serving }) => serving === CANDIDATE);

describe('a rollout', () => {
  it('is rolled back when runners of candidates end more often than their share, and not for two of them', async () => {
    const id = await beginSome();
    const [first, second, ...others] = exposed();
    if (!first || !second) throw new Error('nobody is exposed');
    for (const device of [first, second, first])
      await fleet.tell(device, { kind: 'crash', reason: 'killed for memory' });
    await fleet.run(1);
    const early = await view(id);
    const ends = early.guardrails.find(({ guardrail }) => guardrail === 'ends');
    expect(ends).toMatchObject({ verdict: 'inconclusive', count: 2, alpha: 0.025, boundary: 'incident' });
    for (const device of others) await fleet.tell(device, { kind: 'crash', reason: 'killed for memory' });
    await fleet.run(2);
    const done = await view(id);
    expect(['rolling_back', 'rolled_back']).toContain(done.state);
    expect(done.decisions.find(({ kind }) => kind === 'rollback')?.reason).toContain(
      '6 of 6 on candidates, whose share is 25 %',
    );
  }, 60_000);

  it('is held while those that went silent are candidates, and goes on when they are back', async () => {
    const id = await beginSome();
    const silent = exposed().slice(0, 5);
    for (const device of silent) device.online = false;
    await fleet.run(5);
    const held = await view(id);
    expect(held).toMatchObject({ state: 'holding', stage: 'some' });
    expect(held.holdReason).toContain('5 of 5 devices that went silent for more than 3m are candidates');
    expect(held.guardrails.find(({ guardrail }) => guardrail === 'balance')?.verdict).toBe('inconclusive');
    for (const device of silent) device.online = true;
    await fleet.runUntil(async () => (await view(id)).state === 'running', 4);
  }, 60_000);

  it('says before its look that it is none, and by which look it went on', async () => {
    const id = await beginSome();
    const p95 = async () => (await view(id)).guardrails.find(({ guardrail }) => guardrail === 'p95');
    expect(await p95()).toMatchObject({ verdict: 'pass', boundary: 'look 1/3, not yet a look', alpha: 0.025 });
    expect((await p95())?.sentence).toContain('not yet a look');
    expect((await view(id)).decisions.map(({ kind }) => kind)).toEqual(['start']);
    await fleet.runUntil(async () => (await view(id)).stage === 'full', 40);
    const promoted = (await view(id)).decisions.find(({ kind }) => kind === 'promote');
    expect(promoted?.reason).toContain('p95 latency');
    expect(promoted?.reason).not.toContain('not yet a look');
    const why = await fleet.rollouts.why(id);
    expect(why?.sentences.join('\n')).toContain('p95 latency');
  }, 60_000);
});
