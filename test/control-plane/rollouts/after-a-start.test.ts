// Right after the control plane has started no device is connected to it: that says nothing about any of them, and nothing may be
// decided from it.
import { afterEach, describe, expect, it } from 'vitest';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: restarted}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: some, percent: 50, bake: 30m}, {name: full, percent: 100, bake: 30m}]
  analysis:
    settle: 1m
    minimum: {devices: 1, controls: 2, framesPerDevice: 600, minutes: 2}
    missing: {stale: 3m, maxSilent: 20%}
  guardrails: [{id: p95, expr: "p95(latency_ms) <= baseline * 1.5", enforce: rollback}]
  abort: {verify: {for: 5m}}
`;

let fleet: SimFleet;
afterEach(() => fleet.close());

async function begin(): Promise<string> {
  fleet = await openSimFleet({ perSite: 6 });
  const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  await fleet.run(3);
  return started.id;
}

/** The process is away for so long; connections are gone with it. */
function restart(awayMinutes: number): void {
  fleet.nowMs += awayMinutes * 60_000;
  fleet.reopen();
  for (const device of fleet.devices) Object.assign(device, { online: false, isAwaited: true });
}

const back = () => {
  for (const device of fleet.devices) Object.assign(device, { online: true, isAwaited: false });
};

describe('a control plane that has just started', () => {
  it('does not end a rollback unverified because nobody has come back to it yet', async () => {
    const id = await begin();
    await fleet.rollouts.act(id, 'rollback', { actor: 'on-call', reason: 'because' });
    await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.status.includes('verifying') ?? false, 10);
    restart(60);
    await fleet.run(1);
    expect(await fleet.rollouts.get(id)).toMatchObject({ state: 'rolling_back', verification: null });
    back();
    await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.state === 'rolled_back', 20);
    expect((await fleet.rollouts.get(id))?.verification).toMatchObject({ kind: 'verified', offline: [] });
  });

  it('decides nothing, and goes on when they are back', async () => {
    const id = await begin();
    const before = (await fleet.rollouts.get(id))?.decisions.length;
    restart(0);
    await fleet.run(1);
    back();
    await fleet.run(2);
    expect(await fleet.rollouts.get(id)).toMatchObject({ state: 'running', stage: 'some' });
    expect((await fleet.rollouts.get(id))?.decisions).toHaveLength(before ?? 0);
  });
});
