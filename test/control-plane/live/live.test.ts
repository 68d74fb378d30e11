// The live room over a whole control plane: what a snapshot shows, what a stream says, and how a stream that was cut goes on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { LiveBatch, LiveDevice, LiveSnapshot } from '../../../shared/protocol/api-live.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';
import { readEvents } from './event-reader.ts';

let bench: PlaneBench;

beforeAll(async () => {
  bench = await openPlaneBench();
});
afterAll(() => bench.close());

const snapshot = async (): Promise<LiveSnapshot> => (await bench.get('/v1/live')).body as unknown as LiveSnapshot;

async function onWall(device: string): Promise<LiveDevice | undefined> {
  return (await snapshot()).devices.find((each) => each.device === device);
}

function batchesOf(events: readonly { readonly event: string; readonly data: unknown }[]): readonly LiveBatch[] {
  return events.filter(({ event }) => event === 'changes').map(({ data }) => data as LiveBatch);
}

test('a device appears with the figures of its newest window, and follows it when it goes', async () => {
  const device = await bench.connect('plant-a', 'cam-1');
  await device.hello({ hardwareClass: 'orin-nx', line: 'line-2' });
  await expect.poll(() => onWall('cam-1')).toMatchObject({ condition: 'unknown', online: true, fps: null });
  await device.report({ hardwareClass: 'orin-nx', line: 'line-2', serving: ref('a') });
  await device.window(1, { startAtMs: Date.now() - 1000, endAtMs: Date.now(), hardwareClass: 'orin-nx' });
  await expect
    .poll(() => onWall('cam-1'))
    .toMatchObject({
      condition: 'ok',
      because: '',
      hardwareClass: 'orin-nx',
      line: 'line-2',
      release: 'detector:1.0.0+data=d1d1',
      role: 'baseline',
      fps: 9,
      temperatureC: 51.5,
    });
  await device.window(2, {
    startAtMs: Date.now() - 10,
    endAtMs: Date.now() + 1,
    sensors: { ...NO_SENSORS, temperatureC: 97, throttled: true, throttleReasons: ['cpu-package'] },
  });
  await expect.poll(() => onWall('cam-1')).toMatchObject({ condition: 'hot', because: 'throttled by cpu-package' });
  await device.send('status', { online: false });
  await expect.poll(() => onWall('cam-1')).toMatchObject({ condition: 'offline', online: false });
});

describe('the stream', () => {
  test('begins where it counts from, and says each change once with what came before', async () => {
    const device = await bench.connect('plant-a', 'cam-2');
    const reader = await readEvents(`${bench.plane.httpUrl}/v1/events?topics=device`);
    await expect.poll(() => batchesOf(reader.events).length).toBe(1);
    expect(reader.response.headers.get('x-accel-buffering')).toBe('no');
    await device.hello();
    await expect.poll(() => changed(reader.events, 'plant-a/cam-2')).toBe('unknown');
    await device.report({ serving: ref('a'), phase: 'halted', servingBecause: 'all three have failed' });
    await expect.poll(() => changed(reader.events, 'plant-a/cam-2')).toBe('halted');
    const batches = batchesOf(reader.events);
    for (const [at, batch] of batches.entries()) expect(batch.after).toBe(batches[at - 1]?.revision ?? batch.revision);
    await reader.close();
  });

  test('goes on after a cut with what was missed, merged', async () => {
    const device = await bench.connect('plant-b', 'cam-3');
    const first = await readEvents(`${bench.plane.httpUrl}/v1/events`);
    await expect.poll(() => first.events.length).toBeGreaterThan(0);
    const lastId = first.events.findLast(({ id }) => id !== null)?.id ?? '';
    await first.close();
    await device.hello();
    await device.report({ phase: 'halted', servingBecause: 'nothing loads' });
    await expect.poll(() => onWall('cam-3')).toMatchObject({ condition: 'halted' });
    const second = await readEvents(`${bench.plane.httpUrl}/v1/events`, { 'last-event-id': lastId });
    await expect.poll(() => changed(second.events, 'plant-b/cam-3')).toBe('halted');
    const [resumed] = batchesOf(second.events);
    expect(resumed?.after).toBe(Number(lastId.split('.')[1]));
    const told = resumed?.changes.filter(({ resource, id }) => resource === 'device' && id === 'plant-b/cam-3');
    expect(told).toHaveLength(1);
    await second.close();
  });

  test('says reset when the past is of another life', async () => {
    const reader = await readEvents(`${bench.plane.httpUrl}/v1/events`, { 'last-event-id': 'another.12' });
    await expect.poll(() => reader.events.map(({ event }) => event)).toEqual(['reset', 'changes']);
    await reader.close();
  });

  test('says reset when the past is no number', async () => {
    const { instance } = (await bench.get('/v1/live')).body;
    for (const past of ['abc', '', '1.5', '-1', '1e3', 'NaN']) {
      const reader = await readEvents(`${bench.plane.httpUrl}/v1/events`, { 'last-event-id': `${instance}.${past}` });
      await expect.poll(() => reader.events.map(({ event }) => event), { message: past }).toEqual(['reset', 'changes']);
      expect(batchesOf(reader.events)[0]?.after).toBeTypeOf('number');
      await reader.close();
    }
  });

  test('refuses a topic that there is not', async () => {
    const { status, body } = await bench.get('/v1/events?topics=device,weather');
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('weather');
  });

  test('tells of a kill at once, and of each acknowledgement', async () => {
    const device = await bench.connect('plant-c', 'cam-4');
    await device.hello();
    const reader = await readEvents(`${bench.plane.httpUrl}/v1/events?topics=kill,device`);
    const { body } = await bench.post('/v1/kills', {
      scope: { kind: 'site', site: 'plant-c' },
      reason: 'smoke',
      actor: 'ana',
    });
    const kills = () => batchesOf(reader.events).flatMap(({ changes }) => changes.filter(({ id }) => id === body.id));
    await expect.poll(() => kills().length).toBeGreaterThan(0);
    await expect.poll(() => changed(reader.events, 'plant-c/cam-4')).toBe('killed');
    const before = kills().length;
    await device.event(1, { kind: 'kill-ack', killEpoch: body.epoch, effectMs: 3, wasServing: false });
    await expect.poll(() => kills().length).toBeGreaterThan(before);
    await reader.close();
  });
});

test('after a restart the wall is read back, and a stream does not hold the old life up', async () => {
  const device = await bench.connect('plant-d', 'cam-5');
  await device.hello();
  await device.report({ serving: ref('a') });
  await device.window(1, { startAtMs: Date.now() - 1000, endAtMs: Date.now() });
  await expect.poll(() => onWall('cam-5')).toMatchObject({ condition: 'ok' });
  await device.close();
  const { instance } = await snapshot();
  const reader = await readEvents(`${bench.plane.httpUrl}/v1/events`);
  await bench.restart();
  await expect.poll(() => reader.hasEnded()).toBe(true);
  await expect
    .poll(() => onWall('cam-5'))
    .toMatchObject({ fps: 9, release: 'detector:1.0.0+data=d1d1', online: false });
  expect((await snapshot()).instance).not.toBe(instance);
});

function ref(letter: string) {
  return { release: 'detector:1.0.0+data=d1d1', digest: letter.repeat(64) };
}

function changed(
  events: readonly { readonly event: string; readonly data: unknown }[],
  id: string,
): string | undefined {
  const changes = batchesOf(events).flatMap((batch) => batch.changes);
  const last = changes.findLast((change) => change.resource === 'device' && change.id === id);
  return last?.resource === 'device' ? last.value?.condition : undefined;
}
