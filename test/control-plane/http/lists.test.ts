// Lists of the API on a real control plane: pages that stay in place while entries come, selectors, and `fields`.
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openApiClient } from '../../../control-plane/cli/api-client.ts';
import { openDatabase } from '../../../control-plane/database/database.ts';
import { storeDevices, storeRollouts } from '../../../scripts/bench/stored-records.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import { deviceListSchema, deviceSchema } from '../../../shared/protocol/api-devices.ts';
import { rolloutListSchema, rolloutSummarySchema } from '../../../shared/protocol/api-rollouts.ts';
import { openPlaneBench, type PlaneBench } from '../open-plane.ts';

let bench: PlaneBench;
let file: SqliteDatabase.Database;

beforeAll(async () => {
  bench = await openPlaneBench();
  file = new SqliteDatabase(join(bench.folder, 'belay.db'));
  for (const site of ['plant-a', 'plant-b'])
    for (const [name, hardware, line] of [
      ['cam-01', 'orin', '1'],
      ['cam-02', 'nano', null],
      ['cam-03', 'orin', '2'],
    ])
      addDevice(site, name ?? '', { hardware: hardware ?? '', line: line ?? null });
  for (const number of [1, 2, 3]) addDrill(number);
});

afterAll(async () => {
  file.close();
  await bench.close();
});

function addDevice(site: string, device: string, { hardware = 'orin', line = null as string | null } = {}): void {
  file
    .prepare(
      `insert into devices (site, device, hardware_class, line, online, first_seen_at_ms, last_seen_at_ms)
       values (?, ?, ?, ?, 0, 1, 1)`,
    )
    .run(site, device, hardware, line);
}

function addDrill(number: number): void {
  file
    .prepare(
      `insert into drills (id, failure, mode, state, actor, reason, started_at_ms, scope)
       values (?, 'slow', 'simulated', 'failed', 'x', 'y', ?, '{"simulated":{"devices":8,"seed":1}}')`,
    )
    .run(`d-${number}`, Math.ceil(number / 2));
}

function addEvent(seq: number): void {
  const event = {
    v: 1,
    site: 'plant-a',
    device: 'cam-01',
    boot: '0f6ac2e4-8a3b-4a53-9a4e-7f1d5b0e2c11',
    seq,
    kind: 'boot',
    atMs: seq,
    reason: 'x',
  };
  file
    .prepare(
      `insert into events (site, device, boot, seq, kind, at_ms, received_at_ms, document)
       values ('plant-a', 'cam-01', 'b', ?, 'boot', ?, ?, ?)`,
    )
    .run(seq, seq, seq, JSON.stringify(event));
}

type Entry = Record<string, unknown>;

async function page(path: string, key: string): Promise<{ entries: Entry[]; next: string | undefined }> {
  const { status, body } = await bench.get(path);
  expect(body, path).not.toHaveProperty('detail');
  expect(status).toBe(200);
  return { entries: body[key] as Entry[], next: body.nextCursor as string | undefined };
}

/** Every page of a list; `between`: what happens after the first. */
async function pages(path: string, key: string, between: () => void = () => {}): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const { entries, next } = await page(
      `${path}&cursor=${cursor}`.replace('&cursor=&', '').replace(/&cursor=$/, ''),
      key,
    );
    if (cursor === '') between();
    all.push(...entries);
    cursor = next;
  }
  return all;
}

const names = (entries: readonly Entry[]) => entries.map(({ site, device }) => `${site}/${device}`);

describe('a list', () => {
  it('is the same in pages as in one piece, each entry once, also while others come', async () => {
    const whole = names((await page('/v1/devices', 'devices')).entries);
    expect(whole).toHaveLength(6);
    const paged = await pages('/v1/devices?limit=2', 'devices', () => {
      addDevice('plant-a', 'aaa'); // before the page that was read
      addDevice('plant-z', 'cam-01'); // after it
    });
    expect(names(paged)).toEqual([...whole, 'plant-z/cam-01']);
  });

  it('goes on in the middle of entries of the same instant', async () => {
    const drills = await pages('/v1/drills?limit=1', 'drills');
    expect(drills.map(({ id }) => id)).toEqual(['d-3', 'd-1', 'd-2']);
  });

  it('of events goes back from the newest, or on from one', async () => {
    for (const seq of [1, 2, 3, 4, 5]) addEvent(seq);
    const path = '/v1/devices/plant-a/cam-01/events';
    const seqs = (entries: readonly Entry[]) => entries.map(({ event }) => (event as { seq: number }).seq);
    expect(seqs(await pages(`${path}?limit=2`, 'events', () => addEvent(6)))).toEqual([5, 4, 3, 2, 1]);
    expect(seqs(await pages(`${path}?limit=2&afterId=2`, 'events', () => addEvent(7)))).toEqual([3, 4, 5, 6, 7]);
  });

  it('has no next page after its last', async () => {
    expect((await page('/v1/drills?limit=3', 'drills')).next).toBeUndefined();
    expect((await page('/v1/drills?limit=2', 'drills')).next).toBeTypeOf('string');
  });

  it('refuses a cursor of another list, or none of ours', async () => {
    const { next } = await page('/v1/drills?limit=1', 'drills');
    for (const cursor of [next, 'nonsense', Buffer.from('["devices",1,2]').toString('base64url')]) {
      const { status, body } = await bench.get(`/v1/devices?cursor=${cursor}`);
      expect(status).toBe(400);
      expect(body.errors).toMatchObject([
        { path: 'cursor', message: expect.stringContaining('nextCursor of devices') },
      ]);
    }
  });

  it('is complete for the command line, which turns the pages itself', async () => {
    const api = openApiClient(bench.plane.httpUrl);
    const { devices } = await api.ask(endpoint('GET /v1/devices'), deviceListSchema);
    for (let number = 0; number < 600; number += 1) addDevice('plant-m', `cam-${String(number).padStart(4, '0')}`);
    expect((await page('/v1/devices', 'devices')).entries).toHaveLength(500);
    const all = await api.ask(endpoint('GET /v1/devices'), deviceListSchema);
    expect(all.devices).toHaveLength(devices.length + 600);
    expect(all.nextCursor).toBeUndefined();
  });
});

describe('a selector', () => {
  it('picks devices by site, hardware and line, over as many rows as it takes', async () => {
    const picked = async (selector: string) =>
      names(await pages(`/v1/devices?limit=2&selector=${encodeURIComponent(selector)}`, 'devices'));
    expect(await picked('site=plant-a,hw in (nano)')).toEqual(['plant-a/cam-02']);
    expect(await picked('hw=orin,line in (1,2),site!=plant-b')).toEqual(['plant-a/cam-01', 'plant-a/cam-03']);
    expect(await picked('line notin (1)')).toEqual(['plant-a/cam-03', 'plant-b/cam-03']);
    expect(await picked('online')).toEqual([]);
  });

  it('that cannot be read says why', async () => {
    const { status, body } = await bench.get('/v1/devices?selector=color%3Dred');
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([
      { path: 'selector', message: expect.stringContaining('unknown field "color"') },
    ]);
  });
});

describe('fields', () => {
  it('leaves the named members of each entry, and the cursor', async () => {
    const { body } = await bench.get('/v1/drills?limit=1&fields=id,state');
    expect(body).toEqual({ drills: [{ id: 'd-3', state: 'failed' }], nextCursor: expect.any(String) });
  });

  it('that are unknown are refused with those that there are', async () => {
    const { status, body } = await bench.get('/v1/devices?fields=site,colour');
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([
      { path: 'fields', message: expect.stringMatching(/colour; known: site, device/) },
    ]);
  });
});

describe('what was read before', () => {
  it('is not sent again', async () => {
    const first = await fetch(`${bench.plane.httpUrl}/v1/status`);
    const tag = first.headers.get('etag') ?? '';
    const again = await fetch(`${bench.plane.httpUrl}/v1/status`, { headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    addDevice('plant-n', 'cam-01');
    const changed = await fetch(`${bench.plane.httpUrl}/v1/status`, { headers: { 'if-none-match': tag } });
    expect(changed.status).toBe(200);
  });
});

describe('a list that is written as it is', () => {
  it('says what its schema says, and nothing else', async () => {
    const database = await openDatabase(join(bench.folder, 'belay.db'));
    await storeDevices(database, 3);
    await storeRollouts(database, 2, 6);
    await database.destroy();
    const rollouts = (await bench.get('/v1/rollouts')).body;
    const devices = (await bench.get('/v1/devices')).body;
    expect(z.strictObject(rolloutListSchema.shape).parse(rollouts)).toEqual(rollouts);
    expect(z.strictObject(deviceListSchema.shape).parse(devices)).toEqual(devices);
    for (const entry of rollouts.rollouts as Entry[])
      expect(Object.keys(entry).sort()).toEqual(Object.keys(rolloutSummarySchema.shape).sort());
    for (const entry of devices.devices as Entry[])
      expect([...Object.keys(deviceSchema.shape), 'isAwaited']).toEqual(expect.arrayContaining(Object.keys(entry)));
    expect(rollouts.rollouts).toHaveLength(2);
    expect((devices.devices as Entry[]).filter(({ reported }) => reported !== null)).toHaveLength(3);
  });
});
