// The page that Prometheus reads, as a control plane with devices, a rollout and a kill writes it.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../../control-plane/metrics/catalogue.ts';
import { type BusyPlane, openBusyPlane } from './busy-plane.ts';

let plane: BusyPlane;

beforeAll(async () => {
  plane = await openBusyPlane();
});

afterAll(() => plane.bench.close());

async function read(): Promise<string> {
  const response = await fetch(`${plane.bench.plane.httpUrl}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return response.text();
}

/** The value of the first line that begins like this; null: there is none. */
function readValue(page: string, start: string): number | null {
  const line = page.split('\n').find((each) => each.startsWith(start));
  return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1));
}

function valueNow(start: string): Promise<number | null> {
  return read().then((page) => readValue(page, start));
}

describe('/metrics', () => {
  it('tells how the fleet is, by site, hardware and release, and names no device', async () => {
    await expect.poll(() => valueNow('belay_windows_ingested_total{site="plant-a"}')).toBe(2);
    const page = await read();
    const place = 'site="plant-a",hw="x86-64"';
    expect(readValue(page, `belay_devices{${place},condition="ok"}`)).toBe(2);
    expect(readValue(page, `belay_devices_online{${place}}`)).toBe(2);
    const arm = `${place},model_version="tiny-detector:1.0.0+data=test0",role="baseline"`;
    expect(readValue(page, `belay_frames_per_second{${arm},across="median"}`)).toBe(2.25);
    expect(readValue(page, `belay_frames_per_second{${arm},across="worst"}`)).toBe(2.25);
    expect(readValue(page, `belay_latency_p95_seconds{${arm},across="worst"}`)).toBeCloseTo(0.017, 3);
    expect(readValue(page, `belay_frames_answered_total{${arm}}`)).toBe(18);
    expect(page).not.toContain('cam-0');
  });

  it('counts a window that is sent twice once', async () => {
    await plane.devices[0]?.window(1);
    await expect.poll(() => valueNow('belay_messages_duplicate_total')).toBe(1);
    expect(await valueNow('belay_windows_ingested_total{site="plant-a"}')).toBe(2);
  });

  it('tells of the rollout, until it has ended', async () => {
    const labels = 'model_version="tiny-detector:1.1.0+data=test0",stage="half"';
    await expect.poll(() => valueNow('belay_rollouts{state="running"}')).toBe(1);
    await expect.poll(() => valueNow(`belay_rollout_devices{${labels},what="assigned"}`)).toBe(1);
    await plane.bench.post(`/v1/rollouts/${plane.rolloutId}/hold`, { actor: 'engineer', reason: 'look first' });
    await expect.poll(() => valueNow(`belay_rollout_state_age_seconds{${labels},state="holding"}`)).not.toBeNull();
    await plane.bench.post(`/v1/rollouts/${plane.rolloutId}/abort`, {
      actor: 'engineer',
      reason: 'enough',
      keep: true,
    });
    await expect.poll(() => valueNow('belay_rollouts{state="aborted"}')).toBe(1);
    expect(await valueNow('belay_rollouts{state="superseded"}')).toBe(0);
    expect(await read()).not.toContain('belay_rollout_state_age_seconds{');
  });

  it('tells who has not obeyed a kill, and how long it took those who have', async () => {
    const [obedient, silent] = plane.devices;
    await plane.bench.post('/v1/kills', {
      scope: { kind: 'site', site: 'plant-a' },
      reason: 'smoke',
      actor: 'on-call',
    });
    await expect.poll(() => obedient?.kills.length).toBe(1);
    const killEpoch = obedient?.kills[0]?.document.epoch;
    await obedient?.event(2, { kind: 'kill-ack', killEpoch, effectMs: 40, wasServing: true });
    await expect.poll(() => valueNow('belay_kill_devices{answer="acknowledged"}')).toBe(1);
    const page = await read();
    expect(silent?.kills).toHaveLength(1);
    expect(readValue(page, 'belay_kill_devices{answer="silent"}')).toBe(1);
    expect(readValue(page, 'belay_kills_active{scope="site"}')).toBe(1);
    expect(readValue(page, 'belay_kill_stragglers{scope="site"}')).toBe(0);
    expect(readValue(page, 'belay_kill_effect_seconds_bucket{le="0.05"}')).toBe(1);
    expect(readValue(page, 'belay_kill_round_trip_seconds_count')).toBe(1);
    expect(await valueNow('belay_kill_effect_seconds_count')).toBe(1);
  });

  it('counts what it did not understand, and what it does itself', async () => {
    await plane.devices[0]?.sendRaw('event', 'nonsense');
    await expect.poll(() => valueNow('belay_messages_refused_total{kind="malformed"}')).toBe(1);
    await expect.poll(() => valueNow('belay_tick_duration_seconds_count')).toBeGreaterThan(1);
    const page = await read();
    expect(readValue(page, 'belay_audit_intact')).toBe(1);
    expect(readValue(page, 'belay_broker_connections')).toBe(2);
    expect(readValue(page, 'belay_disk_free_bytes')).toBeGreaterThan(0);
    expect(page).not.toMatch(/belay_scrape_fault\{part="[a-z]+"\} 1/);
  });

  it('names every metric of the catalogue, in a form that promtool has nothing to say about', async () => {
    const page = await read();
    const told = new Set([...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    expect(Object.keys(METRICS).filter((name) => !told.has(name))).toEqual([]);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  it('has every metric that an alert or a dashboard asks for', async () => {
    const folder = join(import.meta.dirname, '../../../scripts/package');
    const files = ['prometheus/alerts.yml', ...readdirSync(join(folder, 'grafana')).map((name) => `grafana/${name}`)];
    const asked = files.flatMap(
      (file) => readFileSync(join(folder, file), 'utf8').match(/\b(?:belay|process)_\w+/g) ?? [],
    );
    expect(asked.length).toBeGreaterThan(50);
    const page = await read();
    const told = new Set([...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ''));
    const isTold = (name: string) => told.has(name) || told.has(name.replace(/_(?:bucket|sum|count)$/, ''));
    expect([...new Set(asked)].filter((name) => !isTold(name))).toEqual([]);
  });
});
