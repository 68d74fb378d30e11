// Devices of before a start: whoever was connected is awaited for a while, until it speaks, leaves, or its time is over.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { AWAITED_MS } from '../../../control-plane/devices/device.ts';
import { type Devices, openDevices, restorePresence } from '../../../control-plane/devices/devices.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';

let folder: string;
let database: Database;
let nowMs: number;
let presence: PresenceBook;
let devices: Devices;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-awaited-'));
  database = await openDatabase(join(folder, 'belay.db'));
  const seen = { first_seen_at_ms: 1, last_seen_at_ms: 2 };
  for (const [device, online] of [['was-there', 1] as const, ['had-left', 0] as const])
    await database
      .insertInto('devices')
      .values({ site: 'plant-a', device, online, ...seen })
      .execute();
  nowMs = 1_000_000_000;
  presence = new PresenceBook();
  const parts = { database, presence, wallNow: () => nowMs };
  await restorePresence(parts);
  devices = openDevices(parts);
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

const awaited = async () => (await devices.list()).filter(({ isAwaited }) => isAwaited).map(({ device }) => device);

describe('a device that was connected before the start', () => {
  it('is awaited, and not called online', async () => {
    expect(await awaited()).toEqual(['was-there']);
    expect((await devices.list()).map(({ online }) => online)).toEqual([false, false]);
  });

  it('is away when its time is over', async () => {
    nowMs += AWAITED_MS - 1;
    expect(await awaited()).toEqual(['was-there']);
    nowMs += 1;
    expect(await awaited()).toEqual([]);
  });

  it('is what it says as soon as it speaks, or as its last will does', async () => {
    presence.status({ site: 'plant-a', device: 'was-there', boot: 'boot-0001', atMs: nowMs, online: false });
    expect(await awaited()).toEqual([]);
    presence.seen({ site: 'plant-a', device: 'was-there', boot: 'boot-0001', atMs: nowMs });
    expect((await devices.get({ site: 'plant-a', device: 'was-there' }))?.online).toBe(true);
  });
});
