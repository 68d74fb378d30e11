// `belay drill` with real agents: a release made of their own baseline fails on purpose, is found, taken back and measured;
// nobody can promote it, and the devices go on with the baseline.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/fleet/fleet.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { type DeviceWindows, deviceWindowsSchema } from '../../shared/protocol/api-device-windows.ts';
import type { StoredEvent } from '../../shared/protocol/api-devices.ts';
import type { Drill } from '../../shared/protocol/api-drills.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { GAME_DAY_TERMS } from '../../shared/rollout/drill-file.ts';
import { changeConfig, DEADLINE_MS, openWorld, type World } from './world.ts';

let world: World;
let baseline: ReleaseRef;
let plan: string;

beforeAll(async () => {
  world = await openWorld({ devices: ['plant-1/cam-1', 'plant-1/cam-2', 'plant-1/cam-3'] });
  baseline = await world.releases.register('cv-detector/1.8.2');
  await giveThermometer('cam-3', 41);
  plan = path.join(world.folder, 'game-day.json');
  writeFileSync(plan, planText());
});

afterAll(() => world?.close());

/** The terms of a game day; the next drill shall not wait for the verification of the last one. */
function planText(): string {
  const abort = { ...GAME_DAY_TERMS.abort, verify: 'none' };
  const stages = [{ name: 'all', percent: 100, bake: '1m' }];
  const analysis = { ...GAME_DAY_TERMS.analysis, missing: { stale: '5s', maxSilent: '20%' } };
  const limits = { ...GAME_DAY_TERMS.limits, temperatureForMs: 1000 };
  const spec = { candidate: 'cv-detector:9.9.9', ...GAME_DAY_TERMS, analysis, limits, abort, stages };
  return JSON.stringify({ apiVersion: 'belay/v1', kind: 'Rollout', metadata: { name: 'game-day' }, spec });
}

/** Another machine's sensors: what this one reads is its own business. */
async function giveThermometer(device: string, celsius: number): Promise<void> {
  const sysRoot = path.join(world.folder, `sys-${device}`);
  const zone = path.join(sysRoot, 'class/thermal/thermal_zone0');
  mkdirSync(zone, { recursive: true });
  writeFileSync(path.join(zone, 'type'), 'cpu-thermal\n');
  writeFileSync(path.join(zone, 'temp'), `${celsius * 1000}\n`);
  await changeConfig(world.agent(device), (config) => Object.assign(config, { sysRoot }));
  await world.agent(device).program.stop();
  world.fleet.restartAgent(device);
  await world.awaitDevice(
    device,
    'answers again',
    ({ online, reported }) => online && (reported?.servedFrames ?? 0) > 0,
  );
}

/** Everything but its speed, which is the machine's. */
const FOUND_AND_BACK = { stragglers: [], detectedBy: expect.any(String), backAfterMs: expect.any(Number) };

async function drill(failure: string, devices: string): Promise<Drill> {
  const { code, stdout, stderr } = await world.belay(
    ...[
      'drill',
      '--failure',
      failure,
      '--factory',
      'plant-1',
      '--devices',
      devices,
      '--plan',
      plan,
      '--yes',
      '--timeout',
      '80',
      '--json',
    ],
  );
  expect(stdout, stderr).not.toBe('');
  const done = JSON.parse(stdout) as Drill;
  expect(code).toBe(done.state === 'passed' ? 0 : 1);
  expect(done.result?.promises.every(({ kept }) => kept)).toBe(done.state === 'passed');
  return done;
}

async function expectBack(device: string): Promise<void> {
  await world.awaitDevice(device, 'answers with the baseline', ({ reported }) => {
    return reported?.serving?.digest === baseline.digest && reported.candidate === null;
  });
}

describe('a drill on real devices', () => {
  it('crash: found by the device, no answer lost to another model, everyone back within the promise', async () => {
    const done = await drill('crash', 'cam-1,cam-2');
    expect(done.result, JSON.stringify(done)).toMatchObject({ ...FOUND_AND_BACK, assigned: 2 });
    expect(done.result?.detectedBy).toMatch(/itself/);
    for (const device of ['cam-1', 'cam-2']) await expectBack(device);
    // The control was never touched.
    expect(new Set(world.answers('cam-3').map(({ model_digest }) => model_digest))).toEqual(new Set([baseline.digest]));
    const answers = world.answers('cam-1').concat(world.answers('cam-2'));
    expect(answers.some(({ model_digest }) => model_digest !== baseline.digest)).toBe(true);
  });

  // On a busy machine the device does not blame the model for its pace: a person decides, which is measured as well.
  it('slow: can be neither promoted nor kept, nor used again; a person takes it back', async () => {
    const before = world.answers('cam-1').length;
    const running = drill('slow', 'cam-1');
    const id = await rolloutOf('slow');
    const isDrills = ({ model_digest }: { model_digest: string }) => model_digest !== baseline.digest;
    await world.awaitAnswer('cam-1', 'of the drill', isDrills, before);
    for (const verb of [
      ['promote', '--override'],
      ['abort', '--keep'],
    ] as const) {
      const refused = await world.belay('rollout', ...verb, id, '--yes', '--reason', 'test');
      // It may be going back by itself already, which is as good a reason.
      expect([refused.code, refused.stderr]).toEqual([
        5,
        expect.stringMatching(/fails on purpose|rolling back|has ended/),
      ]);
    }
    await world.belay('rollout', 'rollback', id, '--reason', 'the line is slow');
    const done = await running;
    expect(done.result, JSON.stringify(done)).toMatchObject({
      stragglers: [],
      decidedBy: expect.any(String),
      backAfterMs: expect.any(Number),
      assigned: 1,
      exposed: 1,
    });
    await expectBack('cam-1');
    const view = await world.releases.rollout(id);
    await expect(
      world.releases.startRollout({ name: 'again', candidate: view.candidate, sites: ['plant-1'] }),
    ).rejects.toThrow(/fails on purpose/);
  });

  it('bad-golden: the proof on the device finds it, and it answers no frame', async () => {
    const before = world.answers('cam-2').length;
    const done = await drill('bad-golden', 'cam-2');
    expect(done.result, JSON.stringify(done)).toMatchObject({ ...FOUND_AND_BACK, exposed: 1 });
    await expectBack('cam-2');
    const since = world.answers('cam-2').slice(before);
    expect(new Set(since.map(({ model_digest }) => model_digest))).toEqual(new Set([baseline.digest]));
  });

  it('hot: the device feels degrees that are not there, takes it off, and is cool again with its own release', async () => {
    const running = drill('hot', 'cam-3');
    const id = await rolloutOf('hot');
    // Its own limit takes it off; a person takes it back for good.
    const isHot = ({ event: { kind, reason } }: StoredEvent) => kind === 'breach' && reason.includes('101.0 °C');
    await until(async () => (await world.events('cam-3')).some(isHot), DEADLINE_MS);
    await world.belay('rollout', 'rollback', id, '--reason', 'the box is hot');
    const done = await running;
    expect(done.result, JSON.stringify(done)).toMatchObject({ ...FOUND_AND_BACK, assigned: 1, exposed: 1 });
    expect(done.result?.detectedBy).toMatch(/cam-3 itself .*> ceiling 92/);
    await expectBack('cam-3');
    const heat = async () => (await told('cam-3')).map(({ temperatureC }) => temperatureC);
    expect(await until(async () => (await heat()).at(-1) === 41, DEADLINE_MS)).toBe(true);
    expect(Math.max(...(await heat()).map(Number))).toBe(101);
  });

  it('silent: missed within seconds, hears the order to go back, and tells of the time in between', async () => {
    const running = drill('silent', 'cam-1');
    const id = await rolloutOf('silent');
    const missed = await world.releases.awaitRollout(id, 'the silent device is missed', ({ decisions }) =>
      decisions.some(({ kind, reason }) => kind === 'hold' && /1 of 1 exposed devices are silent/.test(reason)),
    );
    // It answers all the time.
    const before = world.answers('cam-1').length;
    await world.awaitAnswer('cam-1', 'while it is silent', () => true, before);
    await world.belay('rollout', 'rollback', id, '--reason', 'nobody hears from cam-1');
    const done = await running;
    expect(done.result, JSON.stringify(done)).toMatchObject({ ...FOUND_AND_BACK, assigned: 1, exposed: 1 });
    expect(done.result?.detectedBy).toMatch(/silent for more than 5s/);
    await expectBack('cam-1');
    const isTold = async () => (await told('cam-1')).some(({ release }) => release === missed.candidate.release);
    expect(await until(isTold, DEADLINE_MS)).toBe(true);
  });

  it('refuses devices that are not there', async () => {
    const { code, stderr } = await world.belay(
      ...['drill', '--failure', 'slow', '--factory', 'plant-1', '--devices', 'cam-9', '--yes'],
    );
    expect([code, stderr]).toEqual([5, expect.stringMatching(/no device cam-9/)]);
  });
});

/** What the device has reported of the last minutes; a longer time would be told in coarser points. */
async function told(device: string): Promise<DeviceWindows['points']> {
  const asked = { site: 'plant-1', device, from: Date.now() - 4 * 60_000 };
  const windows = endpoint('GET /v1/devices/:site/:device/windows', asked);
  return (await world.fleet.api.ask(windows, deviceWindowsSchema)).points;
}

/** Of the drill that runs. */
async function rolloutOf(failure: string): Promise<string> {
  let id: string | null = null;
  await until(async () => {
    const { stdout } = await world.belay('drill', 'list', '--json');
    const { drills } = JSON.parse(stdout) as { readonly drills: readonly Drill[] };
    id = drills.find((each) => each.failure === failure && each.state === 'running')?.rolloutId ?? null;
    return id !== null;
  }, DEADLINE_MS);
  if (id === null) throw new Error(`no rollout of a drill "${failure}"`);
  return id;
}
