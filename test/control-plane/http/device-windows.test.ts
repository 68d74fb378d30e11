// What a device has reported over time, over HTTP: stored windows as thinned points.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

let bench: PlaneBench;

beforeAll(async () => {
  bench = await openPlaneBench();
});

afterAll(() => bench.close());

const PATH = '/v1/devices/plant-a/cam-01/windows';

describe('GET /v1/devices/:site/:device/windows', () => {
  it('reads every window of a range once, across pages, as at most 500 points', async () => {
    const device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    const startAtMs = Date.now() - 3_600_000;
    const times = Array.from({ length: 250 }, (_, index) => startAtMs + index * 1000);
    await Promise.all(times.map((at, index) => device.window(index + 1, { startAtMs: at, endAtMs: at + 1000 })));
    await expect.poll(async () => (await bench.get(PATH)).body.windows).toBe(250);
    const { body } = await bench.get(`${PATH}?from=${startAtMs}&to=${startAtMs + 200_000}`);
    expect(body).toMatchObject({ windows: 200, changes: [{ atMs: startAtMs, role: 'baseline' }] });
    const points = body.points as readonly { windows: number; fps: number }[];
    expect(points.length).toBeLessThanOrEqual(500);
    expect(points.reduce((sum, { windows }) => sum + windows, 0)).toBe(200);
    expect(points[0]).toMatchObject({ fps: 9 });
  });

  it.each([
    [`${PATH}?from=200&to=100`, 'must lie before to'],
    [`${PATH}?from=1&to=900000000`, 'at most 8 days'],
    [`${PATH}?from=soon`, 'from'],
  ])('refuses a range that makes no sense: %s', async (path, says) => {
    const { status, body } = await bench.get(path);
    expect(status).toBe(400);
    expect(JSON.stringify(body.errors)).toContain(says);
  });

  it('does not know a device that was never heard', async () => {
    expect(await bench.get('/v1/devices/plant-a/cam-99/windows')).toMatchObject({ status: 404 });
  });
});
