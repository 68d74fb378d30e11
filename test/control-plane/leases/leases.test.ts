// Leases over a real control plane and MQTT: answered at once, signed, never retained, and withheld as soon as anything that
// outranks them is known.

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../control-plane/database/database.ts';
import { writeDesired } from '../../../control-plane/devices/desired-store.ts';
import type { Desired } from '../../../shared/protocol/documents.ts';
import { DEFAULT_LIMITS } from '../../../shared/protocol/limits.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

const OLD = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const NEW = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) };
const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const WAIT = { timeout: 5000 };
const TRIAL = { rolloutId: 'ro-1', stage: 'one', sampleEvery: 1, requireWarm: false };
const TERMS = { ttlMs: 4000, onLapse: 'revert' as const };

let bench: PlaneBench;
let device: TestDevice;

beforeEach(async () => {
  bench = await openPlaneBench({ deliveryMs: 20 });
  device = await bench.connect(ADDRESS.site, ADDRESS.device);
});
afterEach(() => bench.close());

/** What a rollout decides: a row, which the delivery loop carries out. */
async function order(candidate: Desired['candidate']): Promise<Desired> {
  const database = await openDatabase(join(bench.folder, 'belay.db'));
  try {
    const choice = { baseline: OLD, candidate, cohortId: 'ro-1/one', limits: DEFAULT_LIMITS, liftQuarantine: [] };
    const written = await database
      .transaction()
      .execute((transaction) => writeDesired(transaction, { ...ADDRESS, nowMs: Date.now(), change: () => choice }));
    await expect.poll(() => device.desired.at(-1)?.generation, WAIT).toBe(written.generation);
    return written;
  } finally {
    await database.destroy();
  }
}

const serve = () => order({ ...NEW, ...TRIAL, role: 'serve', lease: TERMS });
const ask = (nonce: number, more = {}) =>
  device.hello({ generation: 1, lease: { nonce, digest: NEW.digest }, ...more });
const counts = async () => (await bench.get('/v1/status')).body.leases as { granted: number; withheld: object };

async function withheld(reason: string): Promise<void> {
  await expect.poll(async () => (await counts()).withheld, WAIT).toEqual({ [reason]: 1 });
  expect(device.leases).toEqual([]);
}

describe('a hello that asks for a lease', () => {
  it('is answered with the number that it said, and nothing is kept for others', async () => {
    const { generation } = await serve();
    await ask(5);
    await expect
      .poll(() => device.leases, WAIT)
      .toMatchObject([{ boot: device.boot, nonce: 5, digest: NEW.digest, generation, ttlMs: 4000 }]);
    const again = await bench.connect(ADDRESS.site, ADDRESS.device);
    await expect.poll(() => again.desired.length, WAIT).toBe(1);
    expect(again.leases).toEqual([]);
    expect(await counts()).toMatchObject({ granted: 1, withheld: {} });
  });

  it('is answered after a restart too, from what the database holds', async () => {
    await serve();
    await ask(1);
    await expect.poll(() => device.leases.length, WAIT).toBe(1);
    await device.close();
    await bench.restart();
    device = await bench.connect(ADDRESS.site, ADDRESS.device);
    await ask(1);
    await expect.poll(() => device.leases.length, WAIT).toBe(1);
  });

  it('is not answered once the newest order takes the candidate back', async () => {
    await serve();
    await order(null);
    await ask(2);
    await withheld('no-candidate');
  });

  it('is not answered for what shall only shadow', async () => {
    await order({ ...NEW, ...TRIAL, role: 'shadow', lease: null });
    await ask(2);
    await withheld('not-to-serve');
  });

  it('is not answered while a kill reaches it, and is again after that', async () => {
    await serve();
    const { body } = await bench.post('/v1/kills', {
      scope: { kind: 'site', site: 'plant-a' },
      reason: 'smoke',
      actor: 'on-call',
    });
    await ask(2);
    await withheld('killed');
    await bench.post(`/v1/kills/${body.id}/rearm`, { reason: 'over', actor: 'on-call' });
    await ask(3);
    await expect.poll(() => device.leases.map(({ nonce }) => nonce), WAIT).toEqual([3]);
  });

  it('is not answered for a device whose kill is another place', async () => {
    await serve();
    await bench.post('/v1/kills', { scope: { kind: 'site', site: 'plant-b' }, reason: 'smoke', actor: 'on-call' });
    await ask(2);
    await expect.poll(() => device.leases.length, WAIT).toBe(1);
  });

  it('gets no signature more often than a device ever asks', async () => {
    await serve();
    for (let nonce = 1; nonce <= 20; nonce += 1)
      await device.send('hello', { ...HELLO, lease: { nonce, digest: NEW.digest } });
    await expect
      .poll(async () => {
        const { granted, withheld: kept } = await counts();
        return granted + ((kept as Record<string, number>)['too-often'] ?? 0);
      }, WAIT)
      .toBe(20);
    expect((await counts()).granted).toBeLessThan(15);
  });
});

const HELLO = { agentVersion: '0.1.0', hardwareClass: 'x86-64', line: null, generation: 1, killEpoch: 0, seq: 0 };
