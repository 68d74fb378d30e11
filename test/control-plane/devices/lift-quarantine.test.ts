// A person lets a release out of quarantine: over the API into a signed order, and never for what fails after it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLifts } from '../../../control-plane/devices/lift-quarantine.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

const WAIT = { timeout: 5000 };
const PATH = '/v1/devices/plant-a/cam-01/lift';
const FIRST = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'c'.repeat(64) };
const SECOND = { release: 'cv-detector:2.1.0+data=b4f7a1', digest: 'd'.repeat(64) };

let bench: PlaneBench;
beforeEach(async () => {
  bench = await openPlaneBench();
});
afterEach(() => bench.close());

/** A device of generation 1 that keeps both in quarantine. */
async function connectQuarantined(): Promise<TestDevice> {
  const committed = await bench.register(tinyPackage());
  const device = await bench.connect('plant-a', 'cam-01');
  const kept = { kind: 'crash', reason: 'died of SIGSEGV', sinceMs: 1 };
  const quarantine = [FIRST, SECOND].map((ref) => ({ ...ref, ...kept }));
  await device.hello();
  await device.report({ serving: committed, committed, quarantine });
  await expect.poll(() => device.desired.length, WAIT).toBe(1);
  return device;
}

describe('a lift', () => {
  it('goes out as a newer order that names the release, the reason and what it is for, and stands in the audit', async () => {
    const device = await connectQuarantined();
    const body = { release: 'cv-detector:2.0.0', reason: 'driver updated', actor: 'on-call' };
    const { status, body: answer } = await bench.post(PATH, body);
    expect([status, answer]).toMatchObject([200, { generation: 2, releases: [FIRST] }]);
    await expect.poll(() => device.desired.at(-1)?.generation, WAIT).toBe(2);
    const lift = { digest: FIRST.digest, reason: 'driver updated', below: 2 };
    const { baseline, cohortId, limits } = device.desired[0]!;
    expect(device.desired.at(-1)).toMatchObject({ baseline, cohortId, limits, liftQuarantine: [lift] });
    const { body: audit } = await bench.get('/v1/audit?limit=1');
    expect(JSON.stringify(audit)).toContain('quarantine-lifted');
  });

  it('of everything names all that the device keeps, and is above a device that is ahead', async () => {
    const device = await connectQuarantined();
    await device.report({ generation: 9, quarantine: [{ ...SECOND, kind: 'oom', reason: 'killed', sinceMs: 1 }] });
    await expect.poll(() => device.desired.at(-1)?.generation, WAIT).toBe(10);
    const { body } = await bench.post(PATH, { reason: 'more memory' });
    expect(body).toMatchObject({ generation: 11, releases: [SECOND] });
    await expect.poll(() => device.desired.at(-1)?.liftQuarantine, WAIT).toMatchObject([{ below: 11 }]);
  });

  it('of what is not there says what is; without a reason, or of a stranger, it is refused', async () => {
    await connectQuarantined();
    const missing = await bench.post(PATH, { release: 'cv-detector:9', reason: 'x' });
    expect(missing).toMatchObject({ status: 404, body: { detail: expect.stringContaining(FIRST.release) } });
    expect((await bench.post(PATH, {})).status).toBe(400);
    expect((await bench.post('/v1/devices/plant-a/cam-99/lift', { reason: 'x' })).status).toBe(404);
  });

  it('of a release that was lifted before counts anew, and old ones are forgotten', () => {
    const lifts = Array.from({ length: 20 }, (_, at) => ({ digest: `${at}`, reason: 'r', below: at }));
    const kept = withLifts(lifts, [{ digest: '19', reason: 'again', below: 40 }]);
    expect(kept).toHaveLength(16);
    expect(kept.filter(({ digest }) => digest === '19')).toEqual([{ digest: '19', reason: 'again', below: 40 }]);
  });
});
