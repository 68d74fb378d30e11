// A message that can never be stored: it is set aside and told, and what stands beside it, before and after it, is stored.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { Telemetry } from '../../../control-plane/telemetry/telemetry.ts';
import { buildWindow } from '../../shared/measure/window-builder.ts';

const SITE = 'plant-a';
const BOOT = 'boot-0001';

let folder: string;
let database: Database;
let telemetry: Telemetry;
let acks: { device: string; seq: number }[];
let warnings: object[];
/** What the registry says about a committed release. */
let isRegistered: () => boolean;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-poison-'));
  database = await openDatabase(join(folder, 'belay.db'));
  [acks, warnings] = [[], []];
  isRegistered = () => false;
  telemetry = new Telemetry({
    database,
    presence: new PresenceBook(),
    commitEveryMs: 5,
    gapMs: 60_000,
    isRegistered: () => isRegistered(),
    onKillAck: () => {},
    onHello: () => {},
    onReached: () => {},
    onDesiredWritten: () => {},
    publishAck: (mark) => acks.push(mark),
    wallNow: () => 1000,
    log: { debug: () => {}, warn: (fields) => warnings.push(fields), error: () => {} },
  });
});

afterEach(async () => {
  await telemetry.close();
  await database.destroy();
  await rm(folder, { recursive: true });
});

/** Rows of the windows of this device with this number can never be stored. */
async function poison(device: string, seq: number): Promise<void> {
  await sql
    .raw(
      `create trigger poison before insert on windows when new.device = '${device}' and new.seq = ${seq}
       begin select raise(abort, 'no such row may be'); end`,
    )
    .execute(database);
}

function ingest(device: string, channel: string, document: object): Promise<void> {
  return telemetry.ingest({ site: SITE, device, channel, payload: Buffer.from(JSON.stringify(document)) });
}

const window = (device: string, seq: number) =>
  ingest(device, 'window', buildWindow({ site: SITE, device, boot: BOOT, seq }));

async function storedSeqs(device: string): Promise<number[]> {
  const rows = await database.selectFrom('windows').select('seq').where('device', '=', device).orderBy('seq').execute();
  return rows.map(({ seq }) => seq);
}

function lastAck(device: string): number | undefined {
  return acks.filter((ack) => ack.device === device).at(-1)?.seq;
}

describe('a window that cannot be stored', () => {
  it('costs neither its neighbours in the batch nor what follows it', async () => {
    await poison('cam-02', 2);
    const devices = ['cam-01', 'cam-02', 'cam-03', 'cam-04'];
    await Promise.all(devices.flatMap((device) => [1, 2, 3].map((seq) => window(device, seq))));
    await window('cam-02', 4);
    expect(await storedSeqs('cam-02')).toEqual([1, 3, 4]);
    for (const device of ['cam-01', 'cam-03', 'cam-04']) expect(await storedSeqs(device)).toEqual([1, 2, 3]);
    // The device forgets it too: it would send it again for ever.
    expect(lastAck('cam-02')).toBe(4);
    expect(telemetry.fault()).toBeNull();
    expect(telemetry.counts()).toMatchObject({ stored: 12, failures: 0 });
  });

  it('is counted and told once', async () => {
    await poison('cam-02', 2);
    for (let turn = 0; turn < 5; turn += 1) await window('cam-02', 2);
    expect(telemetry.refused()).toMatchObject({ byKind: { unstorable: 5 } });
    expect(telemetry.refused().last[0]).toMatchObject({
      device: 'cam-02',
      reason: expect.stringContaining('no such row'),
    });
    expect(warnings).toHaveLength(1);
  });
});

describe('a report that cannot be stored', () => {
  it('is not tried for ever, and holds up no other device', async () => {
    await sql
      .raw(
        `create trigger poison before insert on devices when new.device = 'cam-02' and new.hello is not null
         begin select raise(abort, 'no such row may be'); end`,
      )
      .execute(database);
    const hello = { v: 1, site: SITE, boot: BOOT, agentVersion: '9.9.9', hardwareClass: 'x86-64', line: null };
    const numbers = { generation: 0, killEpoch: 0, seq: 0 };
    await Promise.all(['cam-01', 'cam-02'].map((device) => ingest(device, 'hello', { ...hello, ...numbers, device })));
    await window('cam-01', 1);
    await window('cam-02', 1);
    expect(await storedSeqs('cam-01')).toEqual([1]);
    expect(await storedSeqs('cam-02')).toEqual([1]);
    expect(telemetry.refused()).toMatchObject({ byKind: { unstorable: 1 } });
    expect(telemetry.fault()).toBeNull();
  });

  it('because of what is asked about its release is stored all the same', async () => {
    isRegistered = () => {
      throw new TypeError('no registry');
    };
    const digest = 'b'.repeat(64);
    const committed = { release: 'cv-detector:1.0.0+data=b4f7a1', digest };
    const reported = {
      v: 1,
      site: SITE,
      device: 'cam-01',
      boot: BOOT,
      atMs: 1,
      agentVersion: '1',
      hardwareClass: 'x86-64',
    };
    const rest = { generation: 0, killEpoch: 0, phase: 'baseline', serving: committed, servedFrames: 1, committed };
    const more = { servingBecause: '', previous: null, candidate: null, mode: 'warm', provider: null, line: null };
    const lists = { proofs: [], quarantine: [], kills: [], blocked: [] };
    await ingest('cam-01', 'reported', { ...reported, ...rest, ...more, ...lists });
    const row = await database
      .selectFrom('devices')
      .select('reported')
      .where('device', '=', 'cam-01')
      .executeTakeFirst();
    expect(row?.reported).toContain(digest);
    expect(telemetry.refused().total).toBe(0);
  });
});
