// What pins, drains and retirements mean to a rollout, on a simulated fleet and a real database: who is left out is neither given
// the candidate nor judged, and who comes back takes its place again.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { type DutyRoom, openDuty } from '../../../control-plane/duty/duty.ts';
import type { DutyVerb } from '../../../shared/protocol/api-duty.ts';
import { CANDIDATE } from '../core/builders.ts';
import { rolloutText } from '../rollouts/rollout-text.ts';
import { NEW, OLD, openSimFleet, type SimFleet } from '../rollouts/sim-fleet.ts';

let fleet: SimFleet;
let duty: DutyRoom;

beforeEach(async () => {
  fleet = await openSimFleet({ perSite: 8 });
  const { database } = fleet;
  const devices = await fleet.rooms.devices.list();
  expect(devices).toHaveLength(8);
  duty = await openDuty({
    database,
    audit: openAudit({ database, wallNow: () => fleet.nowMs }),
    devices: {
      get: async (address) =>
        (await fleet.rooms.devices.list()).find(({ device }) => device === address.device) ?? null,
    },
    presence: new PresenceBook(),
    inTurn: (work) => fleet.rollouts.inTurn(work),
    disconnect: async () => {},
    clear: async () => {},
    wallNow: () => fleet.nowMs,
  });
});
afterEach(() => fleet.close());

async function say(verb: DutyVerb, device: string, release = OLD) {
  const pin = verb === 'pin' ? { ...release, state: 'registered', isDrill: false, kill: null } : null;
  const request = { address: { site: 'plant-a', device }, verb, reason: 'new lens', actor: 'ana' };
  const result = await duty.order({ ...request, release: pin, force: true }, null);
  if (result.kind !== 'done') throw new Error(JSON.stringify(result));
  return result.answer;
}

async function begin(): Promise<string> {
  const started = await fleet.rollouts.start({ file: rolloutText(), actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

async function view(id: string) {
  const found = await fleet.rollouts.get(id);
  if (found === null) throw new Error(`no rollout ${id}`);
  return found;
}
const placeOf = async (id: string, name: string) => (await view(id)).devices.find(({ device }) => device === name);
const exposed = async (id: string) =>
  (await view(id)).devices.filter(({ role }) => role === 'serve').map(({ device }) => device);

describe('a rollout', () => {
  it('is planned without those that are pinned, drained or retired, and says why', async () => {
    await say('pin', 'a-dev-1');
    await say('drain', 'a-dev-2');
    await say('retire', 'a-dev-3');
    const { plan } = await fleet.rollouts.plan(rolloutText());
    expect(plan?.devices.map(({ device }) => device).toSorted()).toEqual([4, 5, 6, 7, 8].map((n) => `a-dev-${n}`));
    const why = Object.fromEntries((plan?.excluded ?? []).map((each) => [each.device, each.why]));
    expect(why['a-dev-1']).toMatch(
      /^pinned to cv-detector:1\.8\.2\+data=aaaa by ana since 2023-11-14T22:.*Z: new lens$/,
    );
    expect(why['a-dev-2']).toMatch(/^drained by ana since .*: new lens$/);
    expect(why['a-dev-3']).toMatch(/^retired by ana since .*: new lens$/);
  });

  it('loses a drained device at once, and gives it nothing until it is back in service', async () => {
    const id = await begin();
    await fleet.run(3);
    const [first = ''] = await exposed(id);
    const before = await view(id);
    const said = await say('drain', first);
    expect(said.rollouts).toEqual([id]);
    expect((await fleet.desired(first))?.candidate).toBeNull();
    expect((await fleet.desired(first))?.baseline).toEqual(OLD);
    await fleet.run(1);
    const after = await view(id);
    expect(await placeOf(id, first)).toMatchObject({ role: 'none', detail: expect.stringMatching(/^drained by ana/) });
    expect(after.exposure.assigned).toBe(before.exposure.assigned - 1);
    expect(after.controls).toBe(before.controls);
    expect(after.version).toBeGreaterThan(before.version);
    expect(after.decisions[0]).toMatchObject({ kind: 'leave', rule: 'person-drain', actor: 'ana' });
    // The next stage would have everybody; it goes on without the one that is drained.
    await fleet.runUntil(async () => (await view(id)).stage === 'full', 40);
    await fleet.run(1);
    expect(await exposed(id)).toHaveLength(7);
    expect(await exposed(id)).not.toContain(first);
    await fleet.runUntil(async () => (await view(id)).state === 'completed', 60);
    expect((await fleet.desired(first))?.baseline).toEqual(OLD);
    const others = fleet.devices.filter(({ device }) => device !== first);
    for (const { device } of others) expect((await fleet.desired(device))?.baseline.digest).toBe(CANDIDATE);
  });

  it('takes a device back into its place with the next stage', async () => {
    const id = await begin();
    await fleet.run(3);
    const [first = ''] = await exposed(id);
    await say('drain', first);
    await fleet.run(1);
    await say('undrain', first);
    expect(await placeOf(id, first)).toMatchObject({ role: 'none' });
    expect((await view(id)).decisions[0]).toMatchObject({ kind: 'return', rule: 'person-undrain' });
    await fleet.runUntil(async () => (await view(id)).stage === 'full', 40);
    await fleet.run(1);
    expect(await exposed(id)).toContain(first);
  });

  it('leaves a pinned device its release, also when everything completes or goes back', async () => {
    const id = await begin();
    await fleet.run(3);
    const [first = ''] = await exposed(id);
    await say('pin', first, OLD);
    await fleet.runUntil(async () => (await view(id)).stage === 'full', 40);
    await fleet.rollouts.act(id, 'rollback', { actor: 'on-call', reason: 'no' });
    await fleet.runUntil(async () => (await view(id)).state === 'rolled_back', 40);
    const order = await fleet.desired(first);
    expect(order).toMatchObject({ baseline: OLD, candidate: null });
    const generation = order?.generation;
    await say('unpin', first);
    expect((await fleet.desired(first))?.generation).toBe(generation);
  });

  it('refuses to pin what only a rollout may prove', async () => {
    const id = await begin();
    await fleet.run(3);
    const [first = ''] = await exposed(id);
    await expect(say('pin', first, NEW)).rejects.toThrow(
      /is not proven: it is registered, and this device has neither/,
    );
    expect((await fleet.desired(first))?.candidate?.digest).toBe(CANDIDATE);
  });
});
