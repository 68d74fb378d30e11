// Rollouts on a real database while people, kills and outages come in any order: whatever happens, the record has no gap, and
// what devices are told is what the record says.

import { describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { ROLLOUT_VERBS } from '../../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../../shared/protocol/rollout-states.ts';
import { CANDIDATE, seeded } from '../core/builders.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: walked}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  schedule: {tz: UTC, windows: ["daily 22:35-22:50", "daily 22:55-20:00"]}
  stages:
    - {name: some, percent: 25, bake: 4m, extend: 2x4m}
    - {name: half, percent: 50, bake: 4m, extend: 2x4m, promote: approval, holdback: 10%}
    - {name: full, percent: 100, soak: 4m, extend: 2x4m}
  analysis:
    settle: 1m
    minimum: {devices: 1, controls: 2, framesPerDevice: 600, minutes: 2}
    missing: {stale: 3m, maxSilent: 20%}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.5", enforce: rollback}
  abort: {onBreach: freeze}
`;

/** One thing that may happen between two minutes. */
async function happen(fleet: SimFleet, id: string, random: () => number): Promise<void> {
  const draw = random();
  const device = fleet.devices[Math.floor(random() * fleet.devices.length)];
  if (draw < 0.4) {
    const verb = ROLLOUT_VERBS[Math.floor(random() * (random() < 0.97 ? 4 : ROLLOUT_VERBS.length))] ?? 'resume';
    await fleet.rollouts.act(id, verb, { actor: 'on-call', reason: 'because', override: random() < 0.3 });
  } else if (draw < 0.42) await fleet.kill(`k-${fleet.nowMs}`, { kind: 'fleet' });
  else if (draw < 0.45 && device) device.online = !device.online;
  else if (draw < 0.48) fleet.behaviour = random() < 0.5 ? { latencyFactor: 3 } : {};
  else if (draw < 0.53) fleet.reopen();
  else if (draw < 0.7)
    await fleet.database
      .updateTable('kills')
      .set({ cleared_at_ms: fleet.nowMs })
      .where('cleared_at_ms', 'is', null)
      .execute();
}

/** Since the newest order to go back, or to commit, nobody is told to try the candidate. */
async function ordersFit(fleet: SimFleet, id: string): Promise<void> {
  const view = await fleet.rollouts.get(id);
  const ledger = new Map(view?.devices.map(({ device, role }) => [device, role]));
  const isGrown =
    view?.state !== 'scheduled' &&
    view?.phase !== 'committing' &&
    !(ENDED as readonly (string | undefined)[]).includes(view?.state);
  for (const { device } of fleet.devices) {
    const order = (await fleet.desired(device))?.candidate ?? null;
    const role = ledger.get(device) ?? 'none';
    if (view?.state === 'rolling_back' || !isGrown) expect(order).toBeNull();
    else expect(order?.role ?? 'none').toBe(role);
  }
}

describe('random lives', () => {
  it('leave a record without a gap, and orders that fit it', async () => {
    const kinds = new Set<string>();
    for (const seed of [2, 3, 4, 6]) {
      const fleet = await openSimFleet({ perSite: 8, seed });
      try {
        for (const kind of await live(fleet, seeded(seed * 7919))) kinds.add(kind);
      } finally {
        await fleet.close();
      }
    }
    // Lives in which nothing happens would prove nothing.
    expect([...kinds]).toEqual(expect.arrayContaining(['start', 'approve', 'promote', 'hold', 'resume', 'rollback']));
  }, 120_000);
});

/** The kinds of its decisions. */
async function live(fleet: SimFleet, random: () => number): Promise<readonly string[]> {
  const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  for (let minute = 0; minute < 60; minute += 1) {
    await happen(fleet, started.id, random);
    await fleet.run(1);
    await ordersFit(fleet, started.id);
  }
  return checkRecord(fleet, started.id);
}

async function checkRecord(fleet: SimFleet, id: string): Promise<readonly string[]> {
  const { database } = fleet;
  const of = database.selectFrom('rollout_decisions').selectAll().where('rollout_id', '=', id).orderBy('seq');
  const decisions = await of.execute();
  expect(decisions.map(({ seq }) => seq)).toEqual(decisions.map((_, i) => i + 1));
  decisions.slice(1).forEach((decision, i) => {
    expect(decision.from_state).toBe(decisions[i]?.to_state);
    expect(decision.reason).not.toBe('');
  });
  const view = await fleet.rollouts.get(id);
  expect(view?.state).toBe(decisions.at(-1)?.to_state);
  // One person is asked for, and the one who started it is another one.
  const grown = decisions.filter(({ kind, stage }) => kind === 'promote' && stage === 'half');
  for (const { seq } of grown) expect(decisions.some((one) => one.kind === 'approve' && one.seq < seq)).toBe(true);
  const audited = await database.selectFrom('audit').select('action').where('subject', '=', `rollout/${id}`).execute();
  expect(audited).toHaveLength(decisions.length);
  expect(await openAudit({ database, wallNow: () => 0 }).verify()).toMatchObject({ kind: 'intact' });
  if (view?.state === 'rolled_back')
    expect(fleet.devices.every(({ serving, online }) => !online || serving !== CANDIDATE)).toBe(true);
  return decisions.map(({ kind }) => kind);
}
